package importer

import (
	"cmp"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/slashpath"
	"rules_romfs/manifest"
)

// mipLib is where mip puts a package: below lib/, which boards search.
const mipLib = "lib/"

// isMip reports whether a JSON file is a package of mip and mpremote: it has none
// of what an OpenMV configuration is made of, which is partitions by number.
func isMip(d *jsonDoc) bool {
	return d.root.isObject() && slices.ContainsFunc(d.root.keys, func(k *node) bool {
		return k.value == "urls" || k.value == "deps" || k.value == "hashes"
	})
}

// mip imports a package.json, as `mip.install` and `mpremote mip install` take
// it (docs.micropython.org, reference/packages): the files that lie beside it.
// Nothing is fetched.
func (im *importer) mip(d *jsonDoc) error {
	source, err := realAbs(im.Source)
	if err != nil {
		return sourceError(im.Source, err)
	}
	folder := filepath.Dir(source)
	m := &mipPackage{im: im, folder: folder, taken: map[string]bool{}}
	for i, k := range d.root.keys {
		switch v := d.root.values[i]; k.value {
		case "urls":
			m.pairs(v, m.file)
		case "deps":
			m.pairs(v, func(at *node, name, version string) {
				im.noteAt(at, NoteLost, "install it beside this package, or import it too", "the package needs %s (%s), which is not part of it, so it is left out", name, cmp.Or(version, "latest"))
			})
		case "hashes":
			m.pairs(v, func(at *node, dest, hash string) {
				im.noteAt(at, NoteLost, "install the package with `mpremote mip install`, and import the directory", "%s is known by its hash in an index alone, so it is left out", dest)
			})
		case "version":
		default:
			im.noteAt(k, NoteLost, "", "%q is nothing that mip reads, and is left out", k.value)
		}
	}
	switch {
	case len(m.errs) > 0:
		return m.errs.Limit(im.Source)
	case len(m.want) == 0:
		return &EmptyError{im.Source}
	}
	im.setName(filepath.Base(folder))
	if err := im.setBoard(); err != nil {
		return err
	}
	if err := im.setRoot(folder); err != nil {
		return err
	}
	im.doc.comments = []string{
		"Made by `romfs import` from " + filepath.Base(im.Source) + ": the package's files, where mip puts them.",
	}
	im.needArch(m.native)
	out := image{rules: m.rules}
	if im.Partition != "" && im.target.Board != nil {
		part, err := im.target.Board.Partition(im.Partition)
		if err != nil {
			return err
		}
		out.partition = part.Name
	}
	im.doc.images = []image{out}
	im.res.Images = []Image{{Partition: out.partition, Files: len(m.want)}}
	return im.finish([][]wanted{m.want}, false)
}

// A mipPackage is a package.json on its way.
type mipPackage struct {
	im     *importer
	folder string // absolute
	taken  map[string]bool
	rules  []rule
	want   []wanted
	native *native
	errs   manifest.Errors
}

// pairs goes through a list of lists of two texts.
func (m *mipPackage) pairs(list *node, each func(at *node, first, second string)) {
	if !list.isArray() {
		m.errs = append(m.errs, list.errorf(codeValue, "", "is %s, not a list", list.kind()))
		return
	}
	for _, item := range list.values {
		texts := []string{"", ""}
		ok := item.isArray() && (len(item.values) == 1 || len(item.values) == 2)
		for i := range item.values {
			if text, isText := item.values[i].value.(string); ok && isText {
				texts[i] = text
			} else {
				ok = false
			}
		}
		if !ok {
			m.errs = append(m.errs, item.errorf(codeValue, `write ["NAME", "…"]`, "is no list of two texts"))
			continue
		}
		each(item, texts[0], texts[1])
	}
}

// file takes in one file of the package.
func (m *mipPackage) file(at *node, dest, url string) {
	im := m.im
	dest = path.Clean(dest)
	local := m.local(url)
	switch {
	case !filepath.IsLocal(filepath.FromSlash(dest)) || dest == ".":
		im.noteAt(at, NoteLost, "", "%s would lie outside of the image, and is left out", dest)
		return
	case m.taken[dest]:
		im.noteAt(at, NoteLost, "remove one of them", "%s is there twice, and the second is left out", dest)
		return
	case local == "":
		im.noteAt(at, NoteLost, "install the package with `mpremote mip install`, and import the directory", "%s lies at %s and not beside the package, so it is left out", dest, url)
		return
	}
	m.taken[dest] = true
	want := wanted{dest: mipLib + dest, path: filepath.Join(m.folder, filepath.FromSlash(local)), compile: strings.HasSuffix(dest, ".py")}
	m.want = append(m.want, want)
	if want.compile && m.native == nil {
		m.native = findNative(readModule(want.path), shown(want.path))
	}
	r := rule{src: []string{pattern.Escape(local)}, dest: mipLib + dest}
	if path.Base(local) == path.Base(dest) {
		r.dest = mipLib
		if dir := slashpath.Parent(dest); dir != "" {
			r.dest += dir + "/"
		}
		if last := len(m.rules) - 1; last >= 0 && m.rules[last].dest == r.dest {
			m.rules[last].src = append(m.rules[last].src, r.src...)
			return
		}
	}
	m.rules = append(m.rules, r)
}

// local returns where a file of the package lies below its folder, "" if it does
// not. That of a repository is looked for where the package's repository has it.
func (m *mipPackage) local(url string) string {
	scheme, rest, ok := strings.Cut(url, ":")
	switch {
	case !ok || len(scheme) == 1: // a path
		rest = url
	case scheme == "github" || scheme == "gitlab" || scheme == "codeberg":
		parts := strings.SplitN(rest, "/", 3) // owner, repository, path
		if len(parts) < 3 {
			return ""
		}
		rest, _, _ = strings.Cut(parts[2], "@")
	default:
		return ""
	}
	rest = path.Clean(rest)
	if !filepath.IsLocal(filepath.FromSlash(rest)) || !isFile(filepath.Join(m.folder, filepath.FromSlash(rest))) {
		return ""
	}
	return rest
}
