package manifest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rules_romfs/internal/strictyaml"
)

// maxImages is how many images a manifest may have: one for each partition
// that vfs.rom_ioctl can count on the boards that romfs describes.
const maxImages = 256

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

// at returns the path in the document of one of m's keys: its own, or that of
// the top level.
func (m *Manifest) at(key string) string {
	if m.section != nil && m.doc.Has(m.section.prefix+key) {
		return m.section.prefix + key
	}
	return key
}

// alignAt and excludeAt return the path of one entry of a list.
func (m *Manifest) alignAt(i int) string {
	if m.section == nil {
		return fmt.Sprintf("align[%d]", i)
	}
	return m.section.entryAt("align", i, m.section.align)
}

func (m *Manifest) excludeAt(i int) string {
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

// ruleAt returns the path of one of m's rules.
func (m *Manifest) ruleAt(i int) string {
	prefix := ""
	if m.section != nil {
		prefix = m.section.prefix
	}
	return fmt.Sprintf("%sfiles[%d]", prefix, i)
}

// partitionName is what names an image's files by default; the pattern is that
// of board files.
var partitionName = regexp.MustCompile(`^([a-z][a-z0-9_-]*|[0-9]+)$`)

// split makes the manifests of the single images, and finds what is wrong with
// them side by side.
func (m *Manifest) split() Errors {
	m.images = []*Manifest{m}
	if !m.doc.Has("images") {
		if !m.doc.Has("files") && !m.doc.Refused("") {
			return Errors{m.doc.Errorf("", strictyaml.CodeMissingKey, "add it", "the key %q is missing", "files")}
		}
		return nil
	}
	m.images = nil
	var errs Errors
	add := func(path, code, remedy, format string, args ...any) {
		errs = append(errs, m.doc.Errorf(path, code, remedy, format, args...))
	}
	for _, key := range []string{"files", "partition", "output"} {
		if m.doc.Has(key) {
			add(key, strictyaml.CodeUnknownKey, "move it into one of images, or remove images", "a manifest with images has no %s at the top: each image has its own", key)
		}
	}
	if n := len(m.ImageEntries); n > maxImages {
		add("images", CodeLimit, "", "the manifest has %d images, more than %d", n, maxImages)
		return errs
	}
	seen := map[string]string{} // what may be there once, to the image that has it
	once := func(path, what, value, remedy string) bool {
		key := what + " " + strings.ToLower(value)
		first, ok := seen[key]
		if ok {
			add(path, CodeImages, remedy, "%s is the %s of %s too", strictyaml.Quote(value), what, first)
		} else {
			seen[key] = path[:strings.IndexByte(path, '.')]
		}
		return !ok
	}
	for i := range m.ImageEntries {
		im := m.image(i)
		m.images = append(m.images, im)
		at := im.section.prefix
		if im.Partition == "" {
			continue // the decoder has said so
		}
		if !partitionName.MatchString(string(im.Partition)) {
			add(at+"partition", CodeImages, "write one that `romfs boards BOARD` lists", "%s is no name of a partition", strictyaml.Quote(string(im.Partition)))
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
	im := &Manifest{
		Version: m.Version, Name: e.Name, Board: m.Board, Partition: e.Partition, Output: e.Output, Root: m.Root,
		Layout: cmp.Or(e.Layout, m.Layout), Dedup: cmp.Or(e.Dedup, m.Dedup),
		MPY: m.MPY, Budget: m.Budget, Lint: m.Lint, Files: e.Files,
		Align: slices.Concat(e.Align, m.Align), Exclude: slices.Concat(e.Exclude, m.Exclude),
		doc: m.doc, path: m.path,
		section: &section{prefix: fmt.Sprintf("images[%d].", i), align: len(e.Align), exclude: len(e.Exclude)},
	}
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
	if e.MPY != nil {
		over := MPY{}
		if m.MPY != nil {
			over = *m.MPY
		}
		over.Version = cmp.Or(e.MPY.Version, over.Version)
		over.merge(&e.MPY.MPYSettings)
		im.MPY = &over
	}
	if e.Budget != nil {
		over := Budget{}
		if m.Budget != nil {
			over = *m.Budget
		}
		over.Max, over.Warn = cmp.Or(e.Budget.Max, over.Max), cmp.Or(e.Budget.Warn, over.Warn)
		im.Budget = &over
	}
	if e.Lint != nil && m.Lint != nil {
		im.Lint = &Lint{Allow: slices.Concat(m.Lint.Allow, e.Lint.Allow)}
	} else if e.Lint != nil {
		im.Lint = e.Lint
	}
	return im
}

// single returns the manifest of m's only image, or an error that says which
// images it has.
func (m *Manifest) single() (*Manifest, error) {
	if len(m.images) == 1 {
		return m.images[0], nil
	}
	return nil, Errors{m.doc.Errorf("images", CodeImages, "choose one by its partition", "the manifest makes %s, and one is wanted", m.describeImages())}
}

// describeImages names the images of m for messages.
func (m *Manifest) describeImages() string {
	var parts []string
	for _, im := range m.images {
		parts = append(parts, string(im.Partition))
	}
	return fmt.Sprintf("%d images (for %s)", len(parts), strings.Join(parts, ", "))
}
