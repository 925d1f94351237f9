package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"rules_romfs/internal/placeholder"
	"rules_romfs/internal/slashpath"
	"rules_romfs/manifest/internal/check"
	"rules_romfs/manifest/internal/lint"
	"rules_romfs/manifest/internal/spec"
)

// FuzzDecode: no text makes the decoder panic, hang or forget to say where;
// what it accepts, the schema accepts too, and resolves without a panic.
func FuzzDecode(f *testing.F) {
	for _, c := range append(manifestErrorCases(), transformErrorCases()...) {
		if len(c.yaml) < 500 {
			f.Add([]byte(head + c.yaml))
		}
	}
	f.Add([]byte(manyPatterns))
	f.Add([]byte("version: 1\nname: a\nmpy: &m {optimize: 2}\nfiles: [{src: a, mpy: *m}, &r {src: b}, *r]\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte(head + "files:\n  - {src: '*', transform: {run: [x, '{in}', '{out}', '{inputs[0]}'], inputs: [a], output: '{stem}.bin'}}\n  - {src: '*', transform: vela}\n"))
	f.Add([]byte("version: 1\nname: a\n? {b: c}\n: d\n<<: {files: []}\n"))
	validator := schemaValidator(f)
	src := fuzzSource(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Parse(text, "romfs.yaml")
		if err != nil {
			checkErrors(t, text, err)
			return
		}
		var value any
		if err := yaml.Unmarshal(text, &value); err != nil {
			if strings.Contains(string(text), "%YAML") {
				return // of a later version, which the library alone refuses
			}
			t.Fatalf("accepted, and the YAML library has %v", err)
		}
		if err := validator.Validate(value); err != nil {
			t.Fatalf("accepted, and the schema has %v", err)
		}
		plan, warns, err := Resolve(context.Background(), m, src, ResolveOptions{Images: map[string]string{}, BaseAlign: 4096, BoardAlign: []BoardAlign{{Match: "**/*.bin", To: 32}}})
		if err != nil {
			checkErrors(t, text, err)
			return
		}
		for _, w := range warns {
			if _, err := ParseLintCode(string(w.Code)); err != nil {
				t.Error(err)
			}
		}
		checkPlan(t, plan)
	})
}

func checkErrors(t *testing.T, text []byte, err error) {
	t.Helper()
	var errs Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("%T is no Errors", err)
	}
	lines := strings.Count(string(text), "\n") + 1 + strings.Count(string(text), "\r") + strings.Count(string(text), "\u0085") + strings.Count(string(text), "\u2028") + strings.Count(string(text), "\u2029")
	for _, e := range errs {
		if e.Code == "" || e.Message == "" || e.File != "romfs.yaml" || e.Line > lines || (e.Line > 0) != (e.Column > 0) {
			t.Fatalf("%+v in a text of %d lines", *e, lines)
		}
		if e.Line == 0 && e.Code != CodeLimit && e.Message != "the file is empty" {
			t.Fatalf("no position: %v", e)
		}
	}
}

// checkPlan checks what every plan promises.
func checkPlan(t *testing.T, plan *Plan) {
	t.Helper()
	kinds := map[string]Kind{}
	for _, e := range plan.Entries {
		if _, dup := kinds[e.Dest]; dup {
			t.Fatalf("two entries for %q", e.Dest)
		}
		kinds[e.Dest] = e.Kind
		if e.Align < 1 || e.Align&(e.Align-1) != 0 || e.Rule == "" || e.Line == 0 {
			t.Fatalf("%+v", e)
		}
		if e.MPY != nil && (!strings.HasSuffix(e.Dest, ".mpy") || strings.TrimSuffix(e.MPY.SourceName, ".py")+".mpy" != e.Dest) {
			t.Fatalf("%+v is compiled from %s", e, e.MPY.SourceName)
		}
		if e.Transform != nil {
			checkTransform(t, &e)
		}
	}
	for dest := range kinds {
		for elem := range strings.SplitSeq(dest, "/") {
			if check.BadName(elem) != "" {
				t.Fatalf("destination %q", dest)
			}
		}
		for dir := slashpath.Parent(dest); dir != ""; dir = slashpath.Parent(dir) {
			if kind, ok := kinds[dir]; ok && kind != Dir {
				t.Fatalf("%q lies below the file %q", dest, dir)
			}
		}
	}
}

// checkTransform checks what whoever runs a transform relies on.
func checkTransform(t *testing.T, e *Entry) {
	t.Helper()
	p := e.Transform
	_, known := spec.PresetOutputs[p.Preset]
	if known == (len(p.Run) > 0) || e.MPY != nil || p.Output == "" || strings.Contains(p.Output, "/") || p.Line == 0 {
		t.Fatalf("%+v, %+v", e, p)
	}
	for i, a := range append(slices.Clone(p.Args), p.Run...) {
		template, err := placeholder.Parse(a)
		if err != nil {
			if len(p.Run) > 0 && i == 0 {
				continue // the executable is no template
			}
			t.Fatal(err)
		}
		for _, name := range template.Names() {
			var n int
			if _, err := fmt.Sscanf(name, "inputs[%d]", &n); err == nil && n >= len(p.Inputs) {
				t.Fatalf("%q, and %d inputs", a, len(p.Inputs))
			}
		}
	}
}

// fuzzSource has a name of each kind that rules treat differently.
func fuzzSource(tb testing.TB) Source {
	files := map[string]string{}
	for _, name := range []string{"a", "b", "main.py", "a.py", "a.mpy", "src/main.py", "src/app/net.py", "src/app/net_test.py", "src/.x/y", "m.bin", "x/m.tflite",
		"é", "A", "t/\xff", "id_rsa", "__pycache__/a", "a[b]", "{x}", "!n", "*"} {
		files[name] = name
	}
	src, err := ListSource(files, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

// FuzzResolve: whatever the patterns and names, a source that a rule packs is
// one that its pattern matches, nothing is lost between the rules, and the
// order of the files does not matter.
func FuzzResolve(f *testing.F) {
	f.Add("src/**/*.py", "", "src/a.py\nsrc/b/c.py\nsrc/.d/e.py")
	f.Add("{a,b/**}/[c-e]?", "**/cx", "a/cx\nb/q/dy\nb/cx")
	f.Add("*", "*.txt", "a\nb.txt\nid_rsa\n.z")
	f.Fuzz(func(t *testing.T, pattern, exclude, names string) {
		files, back := map[string]string{}, map[string]string{}
		for name := range strings.SplitSeq(names, "\n") {
			files[name], back[name] = name, name
		}
		src, err := ListSource(files, nil)
		if err != nil {
			return
		}
		doc, err := yaml.Marshal(map[string]any{"version": 1, "name": "fuzz", "files": []any{map[string]any{"src": pattern, "optional": true}}})
		if exclude != "" {
			doc, err = yaml.Marshal(map[string]any{"version": 1, "name": "fuzz", "exclude": []string{exclude}, "files": []any{map[string]any{"src": pattern, "optional": true}}})
		}
		if err != nil {
			return
		}
		m, err := Parse(doc, "romfs.yaml")
		if err != nil {
			checkErrors(t, doc, err)
			return
		}
		plan, _, err := Resolve(context.Background(), m, src, ResolveOptions{})
		if err != nil {
			checkErrors(t, doc, err)
			return
		}
		checkPlan(t, plan)
		g := m.Compiled().Rules[0].Patterns[0]
		packed := map[string]bool{}
		for _, e := range plan.Entries {
			packed[e.Source] = true
			if !g.Match(e.Source) {
				t.Fatalf("%q packs %q", pattern, e.Source)
			}
		}
		for name := range files {
			left := slices.ContainsFunc(strings.Split(name, "/"), lint.IsJunk) || lint.IsSecret(name[strings.LastIndexByte(name, '/')+1:])
			excluded := exclude != "" && m.Compiled().Exclude[0].Match(name)
			if g.Match(name) && !excluded && (!left || g.Literal()) && !packed[name] {
				t.Fatalf("%q matches %q, which is not packed", pattern, name)
			}
		}
	})
}
