package manifest

import (
	"maps"
	"path/filepath"
	"slices"
)

// image places a nested image.
func (r *resolver) image(rule *rule) {
	f := rule.file
	e := Entry{Kind: Image, Dest: rule.dest, Source: f.Image, Rule: rule.path, Pattern: f.Image, Align: 1, Bulk: f.Bulk}
	at := rule.path + ".image"
	if r.o.Images != nil {
		built, ok := r.o.Images[f.Image]
		if !ok {
			r.add(at, CodeUndecl, r.tree.src.Missing("image", f.Image), "no built image is given for %q", f.Image)
			return
		}
		e.Path = built
		r.place(e, at)
		return
	}
	nested, err := Load(filepath.Join(r.m.Dir(), filepath.FromSlash(f.Image)))
	if err != nil {
		r.errs = append(r.errs, err.(Errors)...)
		return
	}
	o := r.o
	o.Partition = ""
	plan, warns, err := nested.Resolve(nil, o)
	r.warns = append(r.warns, warns...)
	if err != nil {
		r.errs = append(r.errs, err.(Errors)...)
		return
	}
	e.Nested = plan
	r.place(e, at)
}

// checkImages refuses images that were built for nothing: no rule names them.
func (r *resolver) checkImages() {
	named := map[string]bool{}
	for i := range r.m.Files {
		named[r.m.Files[i].Image] = true
	}
	for _, name := range slices.Sorted(maps.Keys(r.o.Images)) {
		if !named[name] {
			r.add("files", CodeUndecl, "write the path as the rule does, or do not give the image", "a built image is given for %q, which no rule names", name)
		}
	}
}
