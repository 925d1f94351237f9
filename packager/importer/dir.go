package importer

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/manifest"
	"rules_romfs/packager/report"
)

// directory imports a plain tree: the manifest builds what `romfs build DIR`
// does.
func (im *importer) directory() error {
	root, err := realAbs(im.Source)
	if err != nil {
		return sourceError(im.Source, err)
	}
	var part string
	if im.target.Board != nil {
		p, err := im.target.Board.Partition(im.Partition)
		if err != nil {
			return err
		}
		im.target.Partition, part = p, p.Name
	} else if im.Partition != "" {
		part = im.Partition
	}
	o := im.target.ResolveOptions()
	plan, _, err := manifest.DirPlan(im.ctx, root, manifest.DirOptions{Board: o.Board, BoardAlign: o.BoardAlign, Compile: true})
	if err != nil {
		return err
	}
	im.setName(filepath.Base(root))
	if err := im.setBoard(); err != nil {
		return err
	}
	d := &dirImport{im: im, root: root, left: map[string]*manifest.Entry{}, known: map[string]string{}}
	d.gather(plan)
	if err := im.setRoot(d.base()); err != nil {
		return err
	}
	for _, file := range d.own {
		im.doc.exclude = append(im.doc.exclude, pattern.Escape(im.rel(file)))
	}
	im.doc.noDedup = true
	im.doc.comments = []string{
		"Made by `romfs import` from the directory " + filepath.Base(root) + ". It builds the image that",
		"`romfs build` makes of the directory itself.",
	}
	if err := d.patterns(); err != nil {
		return err
	}
	d.literals()
	d.emptyDirs(plan)
	if len(d.out.rules) == 0 {
		return &EmptyError{im.Source}
	}
	if im.Board != "" && im.Partition != "" {
		d.out.partition = part
	}
	im.doc.images = []image{d.out}
	im.res.Images = []Image{{Partition: d.out.partition, Files: len(d.want)}}
	return im.finish([][]wanted{d.want}, false)
}

// A dirImport is a directory on its way.
type dirImport struct {
	im   *importer
	root string // absolute
	want []wanted
	// left are the files that no rule places yet, by destination before
	// compiling.
	left  map[string]*manifest.Entry
	known map[string]string // the destinations of all files, and the path that each comes from
	own   []string          // the manifest and what it builds, where they lie in the tree; absolute
	out   image
}

// gather notes every file that the image has to have, but for the manifest and
// what it builds, where they lie in the tree themselves.
func (d *dirImport) gather(plan *manifest.Plan) {
	if out, err := realAbs(d.im.Out); err == nil && within(d.root, out) {
		for _, name := range []string{filepath.Base(out), d.im.doc.name + ".romfs", d.im.doc.name + ".romfs.json"} {
			d.own = append(d.own, filepath.Join(filepath.Dir(out), name))
		}
	}
	for e := range plan.Files() {
		if slices.Contains(d.own, e.Path) {
			d.im.note(Note{Code: NoteLost, File: e.Path, Message: "is the manifest or made from it, and left out"})
			continue
		}
		w := wanted{dest: e.Source, path: e.Path, align: e.Align, compile: e.MPY != nil}
		d.want = append(d.want, w)
		d.left[w.dest], d.known[w.dest] = e, e.Path
	}
}

// base is the directory that holds everything that links of the tree lead to.
func (d *dirImport) base() string {
	base := d.root
	for _, e := range d.left {
		real, err := filepath.EvalSymlinks(e.Path)
		for err == nil && !within(base, real) {
			base = filepath.Dir(base)
		}
	}
	if base != d.root {
		d.im.note(Note{Code: NoteDiffers, File: d.im.Source, Message: fmt.Sprintf("symbolic links lead out of it, so root is %s", base)})
	}
	return base
}

// patterns makes rules for whatever patterns find: code, what the board aligns,
// the rest, and what patterns only find where they name it.
func (d *dirImport) patterns() error {
	// What stays source although it would be compiled comes before the others.
	var kept []string
	for dest, e := range d.left {
		if e.MPY == nil && strings.HasSuffix(dest, ".py") && !strings.HasPrefix(e.MPYFrom, "keep_source") {
			kept = append(kept, dest)
		}
	}
	if len(kept) > 0 {
		d.addLiterals(rule{comments: []string{"beside a .mpy of the same name, so packed as source"}, noCompile: true}, kept)
	}
	d.try("**/*.py", "Python: compiled, but for boot.py and main.py")
	if b := d.im.target.Board; b != nil {
		for _, a := range b.Align {
			d.try(a.Match, fmt.Sprintf("%s aligns these to %d bytes", b.ID, a.To))
		}
	}
	if len(d.out.rules) == 0 {
		d.try("**", "")
	} else {
		d.try("**", "everything else")
	}
	d.try("**/.*", "hidden files: no other pattern finds them")
	for _, dir := range d.special() {
		real, err := filepath.EvalSymlinks(filepath.Join(d.root, filepath.FromSlash(dir)))
		if err != nil {
			return sourceError(dir, err)
		}
		comment := "a hidden directory: patterns pass over those that they do not name"
		if !strings.HasPrefix(path.Base(dir), ".") {
			comment = "what the symbolic link " + dir + " leads to"
		}
		d.tryBelow(real, dir+"/", "**", comment)
		d.tryBelow(real, dir+"/", "**/.*", comment+"; its hidden files")
	}
	return nil
}

// try is tryBelow of the tree itself.
func (d *dirImport) try(glob, comment string) { d.tryBelow(d.root, "", glob, comment) }

// tryBelow adds a rule for a pattern below a directory, an absolute path whose
// files go to dest, if the rule puts everything that it finds where it belongs.
func (d *dirImport) tryBelow(dir, dest, glob, comment string) {
	r := rule{src: []string{glob}, dest: dest}
	if rel := d.im.rel(dir); rel != "." {
		r.src[0] = pattern.Escape(rel) + "/" + glob
	}
	if comment != "" {
		r.comments = []string{comment}
	}
	found, err := d.im.matches(r.src[0])
	if err != nil {
		return // what the pattern comes across cannot be packed by one
	}
	var placed []string
	for _, file := range found {
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			panic(err) // it was found there
		}
		name := dest + filepath.ToSlash(rel)
		switch source := d.known[name]; {
		case d.left[name] != nil:
			placed = append(placed, name)
		case source != file && !slices.Contains(d.own, file):
			return // it belongs elsewhere, or comes from another path
		}
	}
	if len(placed) == 0 {
		return
	}
	for _, name := range placed {
		d.known[name] = filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(name, dest)))
		delete(d.left, name)
	}
	d.out.rules = append(d.out.rules, r)
}

// special are the directories that patterns do not enter and that hold files
// that are still left: hidden ones and links, the outermost of each.
func (d *dirImport) special() []string {
	dirs := map[string]bool{}
	for dest := range d.left {
		parts := strings.Split(dest, "/")
		for i := 1; i < len(parts); i++ {
			dir := strings.Join(parts[:i], "/")
			info, err := os.Lstat(filepath.Join(d.root, filepath.FromSlash(dir)))
			if err == nil && (strings.HasPrefix(parts[i-1], ".") || info.Mode()&os.ModeSymlink != 0) {
				dirs[dir] = true
				break
			}
		}
	}
	return slices.Sorted(maps.Keys(dirs))
}

// literals names whatever no pattern finds: what they leave out as junk, or
// because it could be a secret, and files that only a link makes a part of the
// tree.
func (d *dirImport) literals() {
	var linked, junk []string
	links := d.special()
	for name := range d.left {
		if slices.ContainsFunc(links, func(dir string) bool {
			return strings.HasPrefix(name, dir+"/") && !strings.HasPrefix(path.Base(dir), ".")
		}) {
			linked = append(linked, name)
		} else {
			junk = append(junk, name)
		}
	}
	if len(linked) > 0 {
		d.addLiterals(rule{comments: []string{"behind symbolic links, which patterns do not follow"}}, linked)
	}
	if len(junk) > 0 {
		slices.Sort(junk)
		d.im.note(Note{Code: NoteJunk, File: d.im.Source, Remedy: "remove them from the manifest unless the board needs them",
			Message: fmt.Sprintf("%s that patterns leave out as junk or keys, named one by one because the directory has them: %s", report.Plural(int64(len(junk)), "file"), someOf(junk))})
		d.addLiterals(rule{comments: []string{"junk and keys by their names: packed only because they are named here"}}, junk)
	}
}

// addLiterals adds a rule that names files.
func (d *dirImport) addLiterals(r rule, names []string) {
	slices.Sort(names)
	prefix := d.im.rel(d.root) + "/"
	if prefix == "./" {
		prefix = ""
	}
	for _, name := range names {
		r.src = append(r.src, pattern.Escape(prefix+name))
		if strings.Contains(name, "/") {
			r.strip = new(strings.TrimSuffix(prefix, "/"))
		}
		delete(d.left, name)
		d.known[name] = filepath.Join(d.root, filepath.FromSlash(name))
	}
	d.out.rules = append(d.out.rules, r)
}

// emptyDirs makes the directories without a file below.
func (d *dirImport) emptyDirs(plan *manifest.Plan) {
	full := map[string]bool{}
	for i := range plan.Entries {
		for dir := path.Dir(plan.Entries[i].Dest); dir != "."; dir = path.Dir(dir) {
			full[dir] = true
		}
	}
	for i := range plan.Entries {
		if e := &plan.Entries[i]; e.Kind == manifest.Dir && !full[e.Dest] {
			d.out.rules = append(d.out.rules, rule{mkdir: e.Dest})
		}
	}
}

// someOf lists a few names.
func someOf(names []string) string {
	const few = 5
	if len(names) > few {
		return strings.Join(names[:few], ", ") + fmt.Sprintf(" and %d more", len(names)-few)
	}
	return strings.Join(names, ", ")
}
