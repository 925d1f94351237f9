package importer

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/packager/report"
)

// write makes the manifest of what was frozen. folder is the manifest.py's own.
func (f *freezer) write(folder string) error {
	im := f.im
	base := folder
	for _, c := range f.calls {
		for _, file := range c.files {
			for !within(base, file.path) {
				base = filepath.Dir(base)
			}
		}
	}
	if err := im.setRoot(base); err != nil {
		return err
	}
	im.doc.comments = []string{
		"Made by `romfs import` from " + filepath.Base(im.Source) + ": the modules that it freezes, as files of an image.",
	}
	var out image
	if im.Partition != "" && im.Board != "" {
		part, err := im.target.Board.Partition(im.Partition)
		if err != nil {
			return err
		}
		out.partition = part.Name
	}
	w := &freezeWriter{f: f, taken: map[string]string{}, versions: map[string]string{}}
	for _, c := range f.calls {
		w.call(c)
	}
	if out.rules = w.rules; len(out.rules) == 0 {
		return &EmptyError{im.Source}
	}
	w.notes()
	im.needArch(w.native)
	im.doc.images = []image{out}
	im.res.Images = []Image{{Partition: out.partition, Files: len(w.want)}}
	return im.finish([][]wanted{w.want}, false)
}

type freezeWriter struct {
	f        *freezer
	rules    []rule
	last     *freezeCall // that the last rule is made from
	lines    []int       // of it, and those merged into it
	want     []wanted
	taken    map[string]string // destination to path
	versions map[string]string // packages whose modules would get a __version__
	native   *native           // the first function with machine code
}

// call adds the rule of one call.
func (w *freezeWriter) call(c *freezeCall) {
	im := w.f.im
	var files []frozenFile
	whole := true // nothing of the call is left out
	for _, file := range c.files {
		if first, ok := w.taken[file.dest]; ok {
			if first != file.path {
				im.note(Note{Code: NoteLost, File: w.f.name(c.file), Line: c.line, Column: 1, Remedy: "remove one of them",
					Message: fmt.Sprintf("%s would be a second %s beside %s, and is left out", im.rel(file.path), file.dest, im.rel(first))})
				whole = false
			}
			continue
		}
		w.taken[file.dest] = file.path
		files = append(files, file)
		want := wanted{dest: file.dest, path: file.path}
		if kept := file.dest == "boot.py" || file.dest == "main.py"; strings.HasSuffix(file.dest, ".py") && !kept && !c.asStr {
			want.compile = true
			if c.opt != nil {
				want.optimize = *c.opt
			}
		}
		w.want = append(w.want, want)
		if ext := path.Ext(file.dest); ext != ".py" && ext != ".mpy" {
			im.note(Note{Code: NoteDiffers, File: w.f.name(c.file), Line: c.line, Column: 1, Remedy: "rename it",
				Message: fmt.Sprintf("%s is packed as it is, and no board imports a file with the extension %s", im.rel(file.path), ext)})
		}
		w.look(file, c)
	}
	if len(files) == 0 {
		return
	}
	r := rule{noCompile: c.asStr, optimize: c.opt}
	if c.opt != nil && *c.opt == 0 {
		r.optimize = nil
	}
	if whole && c.walk != named {
		w.patterns(&r, c)
	}
	if r.src == nil {
		w.names(&r, c.base, files)
	}
	if w.merge(&r, c) {
		return
	}
	w.last, w.lines = c, []int{c.line}
	r.comments = []string{w.origin()}
	w.rules = append(w.rules, r)
}

// origin says which calls a rule is made from.
func (w *freezeWriter) origin() string {
	name := w.f.im.rel(w.last.file)
	if !within(w.f.im.base, w.last.file) {
		if rel, err := w.f.im.relative(w.last.file); err == nil {
			name = rel
		}
	}
	if len(w.lines) == 1 {
		return fmt.Sprintf("%s:%d", name, w.lines[0])
	}
	return fmt.Sprintf("%s:%d to %d", name, w.lines[0], w.lines[len(w.lines)-1])
}

// look looks into a module that is compiled: whether it has machine code, and
// whether freezing would add a __version__ to it, as it does where the package has
// one and the source does not say it.
func (w *freezeWriter) look(file frozenFile, c *freezeCall) {
	if c.asStr || !strings.HasSuffix(file.dest, ".py") {
		return
	}
	text := readModule(file.path)
	if w.native == nil {
		w.native = findNative(text, shown(file.path))
	}
	if file.version != "" && text != nil && !bytes.Contains(text, []byte("__version__ =")) {
		w.versions[strings.SplitN(file.dest, "/", 2)[0]] = file.version
	}
}

// patterns writes the rule of a call that walked a directory as patterns, if
// those find the same files.
func (w *freezeWriter) patterns(r *rule, c *freezeCall) {
	im := w.f.im
	below := im.rel(c.base)
	if c.walk != "." {
		below = path.Join(below, c.walk)
	}
	var src []string
	var found []string
	for _, ext := range c.exts {
		if !slices.ContainsFunc(c.files, func(f frozenFile) bool { return path.Ext(f.dest) == ext }) {
			continue
		}
		glob := "**/*" + ext
		if below != "." {
			glob = pattern.Escape(below) + "/" + glob
		}
		files, err := im.matches(glob)
		if err != nil {
			return
		}
		src = append(src, glob)
		found = append(found, files...)
	}
	var all []string
	for _, f := range c.files {
		all = append(all, f.path)
	}
	slices.Sort(found)
	slices.Sort(all)
	if !slices.Equal(found, all) {
		return
	}
	if r.src = src; c.walk != "." {
		r.dest = c.walk + "/"
	}
}

// names writes the rule of files one by one.
func (w *freezeWriter) names(r *rule, base string, files []frozenFile) {
	for _, file := range files {
		r.src = append(r.src, pattern.Escape(w.f.im.rel(file.path)))
	}
	dir := path.Dir(files[0].dest)
	same := !slices.ContainsFunc(files, func(f frozenFile) bool { return path.Dir(f.dest) != dir })
	switch {
	case same && dir == ".":
	case same:
		r.dest = dir + "/"
	default:
		strip := w.f.im.rel(base)
		if strip == "." {
			strip = ""
		}
		r.strip = &strip
	}
}

// merge adds the files of a call to the last rule, if that says the same and
// comes from the lines before.
func (w *freezeWriter) merge(r *rule, c *freezeCall) bool {
	if w.last == nil || w.last.file != c.file || w.last.walk != named || c.walk != named || r.strip != nil {
		return false
	}
	last := &w.rules[len(w.rules)-1]
	if last.strip != nil || last.dest != r.dest || last.noCompile != r.noCompile || !sameLevel(last.optimize, r.optimize) {
		return false
	}
	last.src = append(last.src, r.src...)
	w.lines = append(w.lines, c.line)
	last.comments = []string{w.origin()}
	return true
}

func sameLevel(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

// notes says what behaves otherwise than frozen modules.
func (w *freezeWriter) notes() {
	im := w.f.im
	if names := slices.Sorted(maps.Keys(w.versions)); len(names) > 0 {
		im.note(Note{Code: NoteDiffers, File: im.Source, Remedy: "write it into the sources if something reads it",
			Message: fmt.Sprintf("freezing adds __version__ to the modules of %s with a version, and an image has them as they are: %s", report.Plural(int64(len(names)), "package"), someOf(names))})
	}
	if path, ok := w.taken["_boot.py"]; ok {
		im.note(Note{Code: NoteDiffers, File: im.Source, Remedy: "keep it frozen",
			Message: fmt.Sprintf("firmware runs a frozen _boot.py when it starts, and none of an image: %s", im.rel(path))})
	}
}
