package check

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/internal/placeholder"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/spec"
)

// transform checks what a rule says of its transform, whatever its sources.
func (c *checker) transform(rule *spec.CompiledRule) {
	t, at := rule.Transform, rule.At+".transform"
	if t == nil {
		return
	}
	has := func(key string) bool { return c.m.Doc().Has(at + "." + key) }
	preset := t.Preset != "" // also as a name alone
	switch {
	case preset && has("run"):
		c.add(at+".run", code.Transform, "keep one of them", "a transform has a preset or run, and this has both")
		return
	case !preset && !has("run"):
		if !has("preset") && !t.Refused { // the decoder has reported a wrong one
			c.add(at, strictyaml.CodeMissingKey, "add one of them", "a transform has a preset or run, and this has neither")
		}
		return
	case !preset && has("args"):
		c.add(at+".args", code.Transform, "write them into run, after the executable", "args are for presets")
	case t.Preset == "haar" && has("inputs"):
		c.add(at+".inputs", code.Transform, "remove them", "haar reads no further files")
	}
	if rule.MPY != nil {
		c.add(rule.At+".mpy", code.Transform, "remove it, or let the transform compile", "what a transform makes is packed as it is, and never compiled")
	}
	for i, text := range t.Args {
		c.placeholders(fmt.Sprintf("%s.args[%d]", at, i), text, names(t, "in", "name", "stem"))
	}
	c.run(at, t)
	c.inputs(at, t.Inputs)
	c.output(at, t)
}

// run checks the command line of a transform's own program.
func (c *checker) run(at string, t *spec.Transform) {
	if len(t.Run) == 0 || t.Run[0] == "" {
		return
	}
	c.executable(at+".run[0]", t.Run[0])
	reads := false
	for i, text := range t.Run[1:] {
		p := c.placeholders(fmt.Sprintf("%s.run[%d]", at, i+1), text, names(t, "in", "out", "name", "stem"))
		reads = reads || p == nil || slices.Contains(p.Names(), "in") || slices.Contains(p.Names(), "name")
	}
	if !reads {
		c.add(at+".run", code.Transform, `add "{in}" to its arguments`, "nothing tells the executable which file to read")
	}
}

// inputs checks the further files that a transform reads.
func (c *checker) inputs(at string, inputs []string) {
	base := map[string]bool{} // in lower case: the directory may be on a file system that ignores it
	for i, name := range inputs {
		where := fmt.Sprintf("%s.inputs[%d]", at, i)
		switch {
		case strings.HasPrefix(name, "/") || filepath.IsAbs(name) || !filepath.IsLocal(path.Clean(name)):
			c.add(where, code.Escape, "write it relative to root", "%s leaves root", strictyaml.Quote(name))
		case name != "" && base[strings.ToLower(path.Base(name))]:
			c.add(where, code.Transform, "rename one of them", "two inputs are called %s, and a transform sees all of them in one directory", strictyaml.Quote(path.Base(name)))
		}
		base[strings.ToLower(path.Base(name))] = true
	}
}

// output checks the name of what a transform makes.
func (c *checker) output(at string, t *spec.Transform) {
	if t.Output == "" {
		return
	}
	p := c.placeholders(at+".output", t.Output, []string{"name", "stem"})
	if p == nil {
		return
	}
	name := p.Expand(func(string) string { return "x" })
	if strings.ContainsAny(name, `/\`) {
		c.add(at+".output", code.Name, "write a name alone; dest says where it goes", "%s is a path", strictyaml.Quote(t.Output))
	} else if why := BadName(name); why != "" {
		c.add(at+".output", code.Name, "", "%s cannot be an output: %s", strictyaml.Quote(t.Output), why)
	}
}

// executable checks the first word of run, which is no template.
func (c *checker) executable(at, name string) {
	if strings.HasPrefix(name, "/") || filepath.IsAbs(name) {
		c.add(at, code.Escape, "write it relative to the manifest, or as a name to be found in PATH", "%s is an absolute path, which differs between machines", strictyaml.Quote(name))
	}
}

// names are the placeholders that a transform's arguments may hold.
func names(t *spec.Transform, names ...string) []string {
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
		c.add(at, code.Transform, remedy, "%s has %s", strictyaml.Quote(text), message)
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
		c.add(at, code.Transform, remedy, "there is no placeholder {%s}", name)
		return nil
	}
	if t == nil {
		t = placeholder.Template{} // the empty text
	}
	return t
}
