package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
)

// MaxImages is how many images a manifest may have: one for each partition
// that vfs.rom_ioctl can count on the boards that romfs describes.
const MaxImages = 256

// Images returns one ordinary manifest for each image: m itself, unless it has
// the key images. Theirs have the keys of the top level with their own over
// them, and name, in errors and plans, the place where a value really stands:
// "images[1].files[2]".
func (m *Manifest) Images() []*Manifest { return m.images }

// A section is the part of a document that one of several images has for
// itself.
type section struct {
	prefix string // of its paths: "images[1]."
	// How many entries of lists are its own; those of the top level follow.
	align, exclude int
}

// At returns the path in the document of one of m's keys: its own, or that of
// the top level.
func (m *Manifest) At(key string) string {
	if m.section != nil && m.doc.Has(m.section.prefix+key) {
		return m.section.prefix + key
	}
	return key
}

// AlignAt and ExcludeAt return the path of one entry of a list.
func (m *Manifest) AlignAt(i int) string {
	if m.section == nil {
		return fmt.Sprintf("align[%d]", i)
	}
	return m.section.entryAt("align", i, m.section.align)
}

func (m *Manifest) ExcludeAt(i int) string {
	if m.section == nil {
		return fmt.Sprintf("exclude[%d]", i)
	}
	return m.section.entryAt("exclude", i, m.section.exclude)
}

func (s *section) entryAt(key string, i, own int) string {
	if i < own {
		return fmt.Sprintf("%s%s[%d]", s.prefix, key, i)
	}
	return fmt.Sprintf("%s[%d]", key, i-own)
}

// RuleAt returns the path of one of m's rules.
func (m *Manifest) RuleAt(i int) string {
	prefix := ""
	if m.section != nil {
		prefix = m.section.prefix
	}
	return fmt.Sprintf("%sfiles[%d]", prefix, i)
}

// partitionName is what names an image's files by default; the pattern is that
// of board files.
var partitionName = lazyregexp.New(`^([a-z][a-z0-9_-]*|[0-9]+)$`)

// Split makes the manifests of the single images, and finds what is wrong with
// them side by side.
func (m *Manifest) Split() strictyaml.Errors {
	m.images = []*Manifest{m}
	if !m.doc.Has("images") {
		if !m.doc.Has("files") && !m.doc.Refused("") {
			return strictyaml.Errors{m.doc.Errorf("", strictyaml.CodeMissingKey, "add it", "the key %q is missing", "files")}
		}
		return nil
	}
	m.images = nil
	var errs strictyaml.Errors
	add := func(path, code, remedy, format string, args ...any) {
		errs = append(errs, m.doc.Errorf(path, code, remedy, format, args...))
	}
	for _, key := range []string{"files", "partition", "output"} {
		if m.doc.Has(key) {
			add(key, strictyaml.CodeUnknownKey, "move it into one of images, or remove images", "a manifest with images has no %s at the top: each image has its own", key)
		}
	}
	if n := len(m.ImageEntries); n > MaxImages {
		add("images", code.Limit, "", "the manifest has %d images, more than %d", n, MaxImages)
		return errs
	}
	seen := map[string]string{} // what may be there once, to the image that has it
	once := func(path, what, value, remedy string) bool {
		key := what + " " + strings.ToLower(value)
		first, ok := seen[key]
		if ok {
			add(path, code.Images, remedy, "%s is the %s of %s too", strictyaml.Quote(value), what, first)
		} else {
			seen[key] = path[:strings.IndexByte(path, '.')]
		}
		return !ok
	}
	for i := range m.ImageEntries {
		im := m.image(i)
		m.images = append(m.images, im)
		at := im.section.prefix
		for _, key := range []string{"partition", "files"} {
			if !m.doc.Has(at+key) && !m.doc.Refused(strings.TrimSuffix(at, ".")) {
				add(strings.TrimSuffix(at, "."), strictyaml.CodeMissingKey, "add it", "the key %q is missing", key)
			}
		}
		if im.Partition == "" {
			continue // that has been said
		}
		if !partitionName().MatchString(string(im.Partition)) {
			add(at+"partition", code.Images, "write one that `romfs boards BOARD` lists", "%s is no name of a partition", strictyaml.Quote(string(im.Partition)))
			continue
		}
		once(at+"partition", "partition", string(im.Partition), "write one image for a partition")
		once(at+"name", "name", im.Name, "give one of them another name")
		if once(at+"output", "file", im.Output, "give one of them another output") {
			once(at+"output", "file", im.Output+".json", "give one of them another output: the description of an image lies beside it as FILE.json")
		}
	}
	return errs
}

// image returns the manifest of one of several images.
func (m *Manifest) image(i int) *Manifest {
	e := &m.ImageEntries[i]
	im := New(m.doc, m.path)
	im.Version, im.Name, im.Board, im.Root, im.ImageSettings = m.Version, e.Name, m.Board, m.Root, e.ImageSettings
	im.Release, im.Stamp = m.Release, m.Stamp
	im.Layout, im.Dedup = cmp.Or(e.Layout, m.Layout), cmp.Or(e.Dedup, m.Dedup)
	im.Align, im.Exclude = slices.Concat(e.Align, m.Align), slices.Concat(e.Exclude, m.Exclude)
	im.section = &section{prefix: fmt.Sprintf("images[%d].", i), align: len(e.Align), exclude: len(e.Exclude)}
	im.images = []*Manifest{im}
	// An index names the files as OpenMV's tools do.
	part := string(e.Partition)
	if part != "" && part[0] <= '9' {
		part = "romfs" + part
	}
	if im.Name == "" {
		im.Name = m.Name + "-" + part
	}
	if im.Output == "" {
		im.Output = part + ".img"
	}
	im.MPY, im.Budget, im.Lint = e.MPY.over(m.MPY), e.Budget.over(m.Budget), e.Lint.over(m.Lint)
	return im
}

// over returns the settings of one image key by key over those of the top level.
func (p *MPY) over(top *MPY) *MPY {
	if p == nil || top == nil {
		return cmp.Or(p, top)
	}
	all := *top
	all.Version = cmp.Or(p.Version, all.Version)
	all.merge(&p.MPYSettings)
	return &all
}

func (b *Budget) over(top *Budget) *Budget {
	if b == nil || top == nil {
		return cmp.Or(b, top)
	}
	return &Budget{Max: cmp.Or(b.Max, top.Max), Warn: cmp.Or(b.Warn, top.Warn)}
}

func (l *Lint) over(top *Lint) *Lint {
	if l == nil || top == nil {
		return cmp.Or(l, top)
	}
	return &Lint{Allow: slices.Concat(top.Allow, l.Allow)}
}

// Single returns the manifest of m's only image, or an error that says which
// images it has.
func (m *Manifest) Single() (*Manifest, error) {
	if len(m.images) == 1 {
		return m.images[0], nil
	}
	return nil, strictyaml.Errors{m.doc.Errorf("images", code.Images, "choose one by its partition", "the manifest makes %s, and one is wanted", m.DescribeImages())}
}

// DescribeImages names the images of m for messages.
func (m *Manifest) DescribeImages() string {
	var parts []string
	for _, im := range m.images {
		parts = append(parts, string(im.Partition))
	}
	return fmt.Sprintf("%d images (for %s)", len(parts), strings.Join(parts, ", "))
}

// AlignInherited reports whether an entry of align is the top level's, which
// other images have too.
func (m *Manifest) AlignInherited(i int) bool { return m.section != nil && i >= m.section.align }

// SrcAt returns the path of one pattern of a rule, which is written alone or in
// a list.
func (m *Manifest) SrcAt(r *CompiledRule, i int) string {
	if at := fmt.Sprintf("%s.src[%d]", r.At, i); m.doc.Has(at) {
		return at
	}
	return r.At + ".src"
}

// SetDefaults fills in what the manifest does not say.
func (m *Manifest) SetDefaults() {
	if m.Root == "" {
		m.Root = "."
	}
	if m.Layout == "" {
		m.Layout = "compact"
	}
	if m.Output == "" {
		m.Output = m.Name + ".romfs"
	}
	m.setDests("", m.Files)
	for i := range m.ImageEntries {
		m.setDests(fmt.Sprintf("images[%d].", i), m.ImageEntries[i].Files)
	}
}

// setDests gives rules their default destination; prefix is that of the path
// that they stand under.
func (m *Manifest) setDests(prefix string, files []Rule) {
	for i := range files {
		if f := &files[i]; f.Src != nil && f.Dest == "" && !m.doc.Has(fmt.Sprintf("%sfiles[%d].dest", prefix, i)) {
			f.Dest = "/"
		}
	}
}
