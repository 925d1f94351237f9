package resolve

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/placeholder"
	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/syserr"
	"rules_romfs/manifest/internal/check"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/source"
	"rules_romfs/manifest/internal/spec"
)

// setTransform gives e its rule's transform, and the name of what that makes.
// False if it cannot be.
func (r *resolver) setTransform(rule *spec.CompiledRule, e *plan.Entry) bool {
	t, at := rule.Transform, rule.At+".transform"
	p := r.m.Doc().Pos(at)
	how := &plan.TransformPlan{Preset: t.Preset, Args: t.Args, Run: t.Run, Line: p.Line, Column: p.Column}
	from := path.Base(e.Source)
	ok := true
	for i, name := range t.Inputs {
		where := fmt.Sprintf("%s.inputs[%d]", at, i)
		name = path.Clean(name)
		if strings.EqualFold(path.Base(name), from) {
			r.add(where, code.Transform, "rename one of them", "%s and the source %s have one name, and a transform sees both in one directory", strictyaml.Quote(name), strictyaml.Quote(e.Source))
			ok = false
		}
		ok = r.input(where, name) && ok
		how.Inputs = append(how.Inputs, plan.TransformInput{Name: name, Path: r.tree.Source.Path(name), Root: r.tree.Source.Root()})
	}
	output := t.Output
	if output == "" {
		if output = spec.PresetOutputs[t.Preset]; output == "" {
			output = "{name}"
		}
	}
	template, err := placeholder.Parse(output)
	if err != nil {
		panic("manifest: check passed the output " + output)
	}
	how.Output = template.Expand(func(name string) string {
		if name == "stem" {
			return spec.Stem(from)
		}
		return from
	})
	if why := check.BadName(how.Output); why != "" {
		r.add(at, code.Name, "say another output", "the output of %s cannot be called %s: %s", strictyaml.Quote(e.Source), strictyaml.Quote(how.Output), why)
		return false
	}
	e.Transform = how
	if rule.IsDir {
		e.Dest = slashpath.Join(slashpath.Parent(e.Dest), how.Output)
	}
	return ok
}

// input reports whether a further input of a transform is there. Each is
// looked up once, and reported once, however many sources its rule has.
func (r *resolver) input(at, name string) bool {
	if ok, known := r.inputs[at]; known {
		return ok
	}
	if r.inputs == nil {
		r.inputs = map[string]bool{}
	}
	kind, err := r.tree.Lookup(name)
	q := strictyaml.Quote(name)
	switch {
	case errors.Is(err, source.ErrOutside):
		r.add(at, code.Escape, "copy the file, or set root to a directory that holds both", "the symbolic link %s leads out of root", q)
	case errors.Is(err, source.ErrBroken):
		r.add(at, code.Irregular, "correct or remove it", "the symbolic link %s is broken", q)
	case errors.Is(err, fs.ErrNotExist):
		r.add(at, code.NoMatch, r.advice(name, pattern.Escape(name)), "there is no file %s", q)
	case err != nil:
		r.add(at, code.IO, "", "%s cannot be read: %s", q, syserr.Reason(err))
	case kind != source.File:
		r.add(at, code.Irregular, "name a file", "%s is no regular file", q)
	}
	r.inputs[at] = err == nil && kind == source.File
	return r.inputs[at]
}
