package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/placeholder"
	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/syserr"
)

// Transform says how a source becomes what is packed in its place. YAML writes
// it as a mapping, or as a preset's name alone.
type Transform struct {
	TransformSettings
	wrong bool // the decoder has reported it
}

// presetOutputs are the presets, with the default of their output.
var presetOutputs = map[string]string{"vela": "{name}", "stedgeai": "{name}", "haar": "{stem}.cascade"}

// presets are the names of presetOutputs as messages and the schema list them.
var presets = []string{"vela", "stedgeai", "haar"}

// UnmarshalValue implements [strictyaml.Unmarshaler].
func (t *Transform) UnmarshalValue(v strictyaml.Value) {
	switch v.Kind() {
	case strictyaml.String:
		t.Preset, _ = v.String()
		if _, ok := presetOutputs[t.Preset]; !ok {
			remedy := "write one of " + strings.Join(presets, ", ") + "; or {run: [EXECUTABLE, \"{in}\", \"{out}\"]}"
			if c := strictyaml.Closest(t.Preset, presets); c != "" {
				remedy = fmt.Sprintf("did you mean %q? Otherwise %s", c, remedy)
			}
			v.Errorf(strictyaml.CodeValue, remedy, "there is no preset %s", strictyaml.Quote(t.Preset))
		}
	case strictyaml.Map:
		v.Decode(&t.TransformSettings)
	default:
		v.WrongType("the name of a preset, or a mapping")
		t.wrong = true
	}
}

// JSONSchemaOf describes the type to the schema generator.
func (Transform) JSONSchemaOf() any {
	return map[string]any{"oneOf": []any{map[string]any{"enum": presets}, TransformSettings{}}}
}

// JSONSchemaExtra says which keys go together.
func (TransformSettings) JSONSchemaExtra() map[string]any {
	return map[string]any{"oneOf": []any{
		map[string]any{"required": []any{"preset"}, "properties": map[string]any{"run": false}},
		map[string]any{"required": []any{"run"}, "properties": map[string]any{"preset": false, "args": false}},
	}}
}

// transform checks what a rule says of its transform, whatever its sources.
func (c *checker) transform(rule *rule) {
	t, at := rule.file.Transform, rule.path+".transform"
	if t == nil {
		return
	}
	has := func(key string) bool { return c.m.doc.Has(at + "." + key) }
	preset := t.Preset != "" // also as a name alone
	switch {
	case preset && has("run"):
		c.add(at+".run", CodeTransform, "keep one of them", "a transform has a preset or run, and this has both")
		return
	case !preset && !has("run"):
		if !has("preset") && !t.wrong { // the decoder has reported a wrong one
			c.add(at, strictyaml.CodeMissingKey, "add one of them", "a transform has a preset or run, and this has neither")
		}
		return
	case !preset && has("args"):
		c.add(at+".args", CodeTransform, "write them into run, after the executable", "args are for presets")
	case t.Preset == "haar" && has("inputs"):
		c.add(at+".inputs", CodeTransform, "remove them", "haar reads no further files")
	}
	if rule.file.MPY != nil {
		c.add(rule.path+".mpy", CodeTransform, "remove it, or let the transform compile", "what a transform makes is packed as it is, and never compiled")
	}
	for i, text := range t.Args {
		c.placeholders(fmt.Sprintf("%s.args[%d]", at, i), text, t.names("in", "name", "stem"))
	}
	if len(t.Run) > 0 && t.Run[0] != "" {
		c.executable(at+".run[0]", t.Run[0])
		reads := false
		for i, text := range t.Run[1:] {
			p := c.placeholders(fmt.Sprintf("%s.run[%d]", at, i+1), text, t.names("in", "out", "name", "stem"))
			reads = reads || p == nil || slices.Contains(p.Names(), "in") || slices.Contains(p.Names(), "name")
		}
		if !reads {
			c.add(at+".run", CodeTransform, `add "{in}" to its arguments`, "nothing tells the executable which file to read")
		}
	}
	base := map[string]bool{} // in lower case: the directory may be on a file system that ignores it
	for i, name := range t.Inputs {
		where := fmt.Sprintf("%s.inputs[%d]", at, i)
		switch {
		case strings.HasPrefix(name, "/") || filepath.IsAbs(name) || !filepath.IsLocal(path.Clean(name)):
			c.add(where, CodeEscape, "write it relative to root", "%s leaves root", strictyaml.Quote(name))
		case name != "" && base[strings.ToLower(path.Base(name))]:
			c.add(where, CodeTransform, "rename one of them", "two inputs are called %s, and a transform sees all of them in one directory", strictyaml.Quote(path.Base(name)))
		}
		base[strings.ToLower(path.Base(name))] = true
	}
	if t.Output != "" {
		p := c.placeholders(at+".output", t.Output, []string{"name", "stem"})
		if p == nil {
			return
		}
		name := p.Expand(func(string) string { return "x" })
		if strings.ContainsAny(name, `/\`) {
			c.add(at+".output", CodeName, "write a name alone; dest says where it goes", "%s is a path", strictyaml.Quote(t.Output))
		} else if why := badName(name); why != "" {
			c.add(at+".output", CodeName, "", "%s cannot be an output: %s", strictyaml.Quote(t.Output), why)
		}
	}
}

// executable checks the first word of run, which is no template.
func (c *checker) executable(at, name string) {
	if strings.HasPrefix(name, "/") || filepath.IsAbs(name) {
		c.add(at, CodeEscape, "write it relative to the manifest, or as a name to be found in PATH", "%s is an absolute path, which differs between machines", strictyaml.Quote(name))
	}
}

// names are the placeholders that a transform's arguments may hold.
func (t *Transform) names(names ...string) []string {
	for i := range t.Inputs {
		names = append(names, "inputs["+strconv.Itoa(i)+"]")
	}
	return names
}

// placeholders checks the names in braces of text; nil if they are wrong.
func (c *checker) placeholders(at, text string, known []string) placeholder.Template {
	t, err := placeholder.Parse(text)
	if err != nil {
		message, remedy, _ := strings.Cut(err.Error(), "; ")
		c.add(at, CodeTransform, remedy, "%s has %s", strictyaml.Quote(text), message)
		return nil
	}
	for _, name := range t.Names() {
		if slices.Contains(known, name) {
			continue
		}
		remedy := "known here are {" + strings.Join(known, "}, {") + "}; {{ is the character"
		if strings.HasPrefix(name, "inputs[") {
			remedy = "name the file in inputs; the first is {inputs[0]}"
		}
		c.add(at, CodeTransform, remedy, "there is no placeholder {%s}", name)
		return nil
	}
	if t == nil {
		t = placeholder.Template{} // the empty text
	}
	return t
}

// setTransform gives e its rule's transform, and the name of what that makes.
// False if it cannot be.
func (r *resolver) setTransform(rule *rule, e *Entry) bool {
	t, at := rule.file.Transform, rule.path+".transform"
	p := r.m.doc.Pos(at)
	plan := &TransformPlan{Preset: t.Preset, Args: t.Args, Run: t.Run, Line: p.Line, Column: p.Column}
	source := path.Base(e.Source)
	ok := true
	for i, name := range t.Inputs {
		where := fmt.Sprintf("%s.inputs[%d]", at, i)
		name = path.Clean(name)
		if strings.EqualFold(path.Base(name), source) {
			r.add(where, CodeTransform, "rename one of them", "%s and the source %s have one name, and a transform sees both in one directory", strictyaml.Quote(name), strictyaml.Quote(e.Source))
			ok = false
		}
		ok = r.input(where, name) && ok
		plan.Inputs = append(plan.Inputs, TransformInput{name, r.tree.src.Path(name)})
	}
	output := t.Output
	if output == "" {
		if output = presetOutputs[t.Preset]; output == "" {
			output = "{name}"
		}
	}
	template, err := placeholder.Parse(output)
	if err != nil {
		panic("manifest: check passed the output " + output)
	}
	plan.Output = template.Expand(func(name string) string {
		if name == "stem" {
			return Stem(source)
		}
		return source
	})
	if why := badName(plan.Output); why != "" {
		r.add(at, CodeName, "say another output", "the output of %s cannot be called %s: %s", strictyaml.Quote(e.Source), strictyaml.Quote(plan.Output), why)
		return false
	}
	e.Transform = plan
	if rule.destDir {
		e.Dest = slashpath.Join(slashpath.Parent(e.Dest), plan.Output)
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
	kind, err := r.tree.lookup(name)
	q := strictyaml.Quote(name)
	switch {
	case errors.Is(err, ErrOutside):
		r.add(at, CodeEscape, "copy the file, or set root to a directory that holds both", "the symbolic link %s leads out of root", q)
	case errors.Is(err, fs.ErrNotExist):
		r.add(at, CodeNoMatch, r.advice(name, pattern.Escape(name)), "there is no file %s", q)
	case err != nil:
		r.add(at, CodeIO, "", "%s cannot be read: %s", q, syserr.Reason(err))
	case kind != SourceFile:
		r.add(at, CodeIrregular, "name a file", "%s is no regular file", q)
	}
	r.inputs[at] = err == nil && kind == SourceFile
	return r.inputs[at]
}

// Stem returns a file's name without its last extension. A name that begins
// with its only dot has none.
func Stem(name string) string {
	if ext := path.Ext(name); ext != name {
		return strings.TrimSuffix(name, ext)
	}
	return name
}
