package importer

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/manifest"
)

// writeOpenMV makes the manifest of the partitions that were read.
func (im *importer) writeOpenMV(parts []*openmvPartition) error {
	if err := im.setRoot(im.common(parts)); err != nil {
		return err
	}
	im.doc.layout = "openmv"
	im.doc.comments = []string{
		"Made by `romfs import` from " + filepath.Base(im.Source) + ". It builds the image that OpenMV's own builder",
		"makes: the order of the files counts, and the alignments are that builder's.",
	}
	im.doc.align = []alignEntry{{"**", manifest.OpenMVAlign, "OpenMV's builder, where an entry names none"}}
	var want [][]wanted
	files := 0
	for _, p := range parts {
		image, w := p.image()
		im.doc.images = append(im.doc.images, image)
		counts := Image{Partition: p.name, Files: len(w), Tools: map[string]int{}}
		for _, f := range w {
			if f.transform != "" {
				counts.Tools[f.transform]++
			}
		}
		im.res.Images = append(im.res.Images, counts)
		want = append(want, w)
		files += len(w)
		for _, f := range w {
			if !f.compile && strings.HasSuffix(f.dest, ".py") {
				im.doc.compile = &setting{"false", "OpenMV's builder packs .py files as they are"}
			}
		}
		for _, r := range image.rules {
			if slices.ContainsFunc(r.src, func(s string) bool { return strings.Contains(s, "*") }) {
				im.doc.compile = &setting{"false", "OpenMV's builder packs .py files as they are"}
			}
		}
	}
	if files == 0 {
		return &EmptyError{im.Source}
	}
	if len(parts) > 1 && im.target.Board == nil {
		return manifest.Errors{{File: im.Source, Code: codeValue, Message: "has several partitions, whose names depend on the board", Remedy: "name it with --board, or one partition with -p"}}
	}
	return im.finish(want, true)
}

// common is the directory that all sources lie in: the top, or one above it.
func (im *importer) common(parts []*openmvPartition) string {
	base := im.Top
	for _, p := range parts {
		for _, item := range p.items {
			for _, f := range item.files {
				for !within(base, f) {
					base = filepath.Dir(base)
				}
			}
		}
	}
	return base
}

// within reports whether a path lies below a directory.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel) || dir == filepath.Dir(dir)
}

// rel is a path as the manifest names it.
func (im *importer) rel(path string) string {
	rel, err := filepath.Rel(im.base, path)
	if err != nil {
		panic(err) // base is a directory above it
	}
	return filepath.ToSlash(rel)
}

// image makes the rules of the partition, and what they have to find.
func (p *openmvPartition) image() (image, []wanted) {
	out := image{partition: p.name, output: "romfs" + p.key + ".img", budget: p.budget, trailer: p.gone}
	if p.budget > 0 {
		out.why = "the size in " + filepath.Base(p.im.Source)
	}
	var want []wanted
	taken := map[string]string{}
	for _, item := range p.items {
		files, found := p.take(item, taken)
		want = append(want, found...)
		if len(files) == 0 && (item.pattern == "" || len(item.files) > 0) {
			continue // that has been said of each
		}
		r := p.rule(item, files)
		if r == nil {
			out.trailer = append(out.trailer, "finds no file: "+p.im.rel(item.pattern))
			continue
		}
		if last := len(out.rules) - 1; last >= 0 && mergeable(&out.rules[last], r) {
			out.rules[last].src = append(out.rules[last].src, r.src...)
			continue
		}
		out.rules = append(out.rules, *r)
	}
	return out, want
}

// take returns the files of an item whose names are still free, and what the
// manifest has to make of them.
func (p *openmvPartition) take(item openmvItem, taken map[string]string) (files []string, want []wanted) {
	for _, f := range item.files {
		name, preset := filepath.Base(f), ""
		if item.convert != nil {
			if preset = item.convert.preset; preset == "haar" {
				name = stem(name) + ".cascade"
			}
		}
		if first, ok := taken[name]; ok {
			p.im.noteAt(item.at, NoteLost, "rename one of them", "partition %q: %s would be a second %s beside %s; no board finds the second, and it is left out", p.key, p.im.rel(f), name, p.im.rel(first))
			continue
		}
		taken[name] = f
		files = append(files, f)
		want = append(want, wanted{dest: name, path: f, align: cmp.Or(item.align, manifest.OpenMVAlign), transform: preset})
	}
	return files, want
}

// rule makes the rule of an item; nil if nothing of it can be said.
func (p *openmvPartition) rule(item openmvItem, files []string) *rule {
	r := &rule{align: item.align, transform: item.convert.below(p.im)}
	if item.comment != "" {
		r.comments = []string{item.comment}
	}
	r.src = p.pattern(item, files)
	switch {
	case len(files) > 0 && r.src == nil:
		for _, f := range files {
			r.src = append(r.src, pattern.Escape(p.im.rel(f)))
		}
	case len(files) > 0:
	case r.src == nil:
		p.im.noteAt(item.at, NoteLost, "add a rule when there are files", "partition %q: %s finds no file, and no pattern of a manifest means the same, so it is left out", p.key, shown(item.pattern))
		return nil
	default:
		p.im.noteAt(item.at, NoteDiffers, "", "partition %q: %s finds no file yet, and is optional in the manifest", p.key, shown(item.pattern))
		r.optional = true
	}
	p.checkAlign(r, item.at, files)
	return r
}

// mergeable reports whether two rules after each other can be one with a list.
func mergeable(a, b *rule) bool {
	return len(a.comments) == 0 && len(b.comments) == 0 && a.align == b.align && a.alignWhy == b.alignWhy &&
		!a.optional && !b.optional && a.dest == b.dest && a.transform.text() == b.transform.text()
}

// below is t with its inputs as the manifest names them.
func (t *transform) below(im *importer) *transform {
	if t == nil {
		return nil
	}
	c := *t
	c.inputs = nil
	for _, in := range t.inputs {
		c.inputs = append(c.inputs, im.rel(in))
	}
	return &c
}

// pattern returns the pattern of an entry as a manifest has it, if it finds the
// same files there; else nil.
func (p *openmvPartition) pattern(item openmvItem, files []string) []string {
	if item.pattern == "" || len(files) != len(item.files) {
		return nil
	}
	rel, err := filepath.Rel(p.im.base, item.pattern)
	if err != nil || !filepath.IsLocal(rel) {
		return nil
	}
	dir, last := filepath.Split(rel)
	if strings.ContainsAny(dir, "*?[") {
		return nil // what the directories are called would go into the image
	}
	for strings.Contains(last, "**") {
		last = strings.ReplaceAll(last, "**", "*")
	}
	last = strings.NewReplacer(`\`, `\\`, "{", `\{`, "}", `\}`, "^", `\^`).Replace(last)
	text := pattern.Escape(filepath.ToSlash(dir)) + last
	if p.im.NoCheck && len(files) == 0 {
		return []string{text}
	}
	found, err := p.im.matches(text)
	if err != nil || !slices.Equal(found, files) {
		return nil
	}
	return []string{text}
}

// matches returns the files that a pattern finds as the src of a rule.
func (im *importer) matches(pattern string) ([]string, error) {
	m, err := manifest.Parse(fmt.Appendf(nil, "version: 1\nname: x\nmpy: {compile: false}\nfiles:\n  - src: %s\n    optional: true\n", scalar(pattern)), "romfs.yaml")
	if err != nil {
		return nil, err
	}
	plan, _, err := manifest.Resolve(im.ctx, m, manifest.DirSource(im.base), manifest.ResolveOptions{})
	if err != nil {
		return nil, err
	}
	var found []string
	for e := range plan.Files() {
		found = append(found, e.Path)
	}
	return found, nil
}

// checkAlign says where files are less aligned than the board needs, and keeps
// what OpenMV's builder does.
func (p *openmvPartition) checkAlign(r *rule, at *node, files []string) {
	if p.im.target.Board == nil {
		return
	}
	align := r.align
	if align == 0 {
		align = manifest.OpenMVAlign
	}
	for _, f := range files {
		to := p.im.boardAlign(filepath.Base(f))
		if to <= align {
			continue
		}
		r.align, r.alignWhy = align, fmt.Sprintf("as OpenMV's builder has it; %s wants %d", p.im.target.Board.ID, to)
		p.im.noteAt(at, NoteAlignment, fmt.Sprintf("align it to %d in the manifest", to), "partition %q: %s is aligned to %d, and %s wants %d", p.key, p.im.rel(f), align, p.im.target.Board.ID, to)
	}
}
