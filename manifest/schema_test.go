package manifest

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/strictyaml/schemagen"
)

// The committed schema is what the types say.
func TestSchema(t *testing.T) {
	got, err := schemagen.Generate(Manifest{}, schemagen.Options{
		ID: "romfs.schema.json", Title: "ROMFS image manifest, version 1",
		Packages: map[string]string{"rules_romfs/manifest/internal/spec": filepath.Join("internal", "spec")},
	})
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "schema/romfs.schema.json", string(got))
}

// beyond are the codes of defects that a schema cannot see.
var beyond = []string{
	CodePattern, CodeEscape, CodeName, CodeStrip, CodeMPY, CodeDedup, CodeImages, CodeTransform,
	strictyaml.CodeSyntax, strictyaml.CodeDuplicateKey, strictyaml.CodeLimit,
}

// The schema and the decoder give the same verdict, as a real validator has
// it: what the decoder accepts is valid, and what it refuses is not, but for
// defects that no schema can see.
func TestSchemaAgreesWithDecoder(t *testing.T) {
	validator := schemaValidator(t)
	accepted, refused := 0, 0
	for name, text := range schemaDocuments() {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			continue // no YAML: the decoder's own tests
		}
		valid := validator.Validate(value)
		_, err := Parse([]byte(text), "romfs.yaml")
		var errs Errors
		errors.As(err, &errs)
		visible := slices.ContainsFunc(errs, func(e *Error) bool { return !slices.Contains(beyond, e.Code) })
		switch {
		case err == nil && valid != nil:
			t.Errorf("%s: decoded, but the schema refuses it: %v\n%s", name, valid, text)
		case visible && valid == nil:
			t.Errorf("%s: valid by the schema, but: %v\n%s", name, err, text)
		case err == nil:
			accepted++
		case visible:
			refused++
		}
	}
	t.Logf("%d accepted, %d refused by both", accepted, refused)
	if accepted < 60 || refused < 100 {
		t.Errorf("only %d documents were accepted and %d refused", accepted, refused)
	}
}

// schemaDocuments returns manifests, good and bad: each key with each of many
// values, and what the tests of errors have.
func schemaDocuments() map[string]string {
	docs := map[string]string{}
	for _, c := range append(manifestErrorCases(), transformErrorCases()...) {
		text := c.yaml
		if !strings.HasPrefix(text, "version") {
			text = head + text
		}
		docs[c.name] = text
	}
	values := []string{"1", "0", "-1", "3", "64", "1.5", "true", "text", "a/b", "'*'", "[]", "[a]", "[1]", "{}", "{a: b}", "~", "\"\"",
		"board", "none", "rv32imc", "native", "stable", "1MiB", "90%", "\"1.29\"", "[zba]", "[case]", "{max: 1, warn: 50%}", "{allow: []}",
		"{compile: false}", "{optimize: 2, keep_source: []}", "[{match: a, to: 2}]", "[{src: a}]", "[{image: a, dest: b}]", "[{mkdir: a}]", "24-01-01", "0x10", "yes"}
	for _, key := range []string{"version", "name", "board", "partition", "root", "layout", "dedup", "mpy", "align", "exclude", "budget", "lint", "files", "images", "output", "x"} {
		for _, v := range values {
			lines := map[string]string{"version": "1", "name": "app", "files": "[]"}
			lines[key] = v
			var b strings.Builder
			for _, k := range slices.Sorted(maps.Keys(lines)) {
				b.WriteString(k + ": " + lines[k] + "\n")
			}
			docs[key+": "+v] = b.String()
		}
	}
	for _, key := range []string{"partition", "output", "name", "layout", "dedup", "mpy", "align", "exclude", "budget", "lint", "files", "version", "board", "root", "images", "x"} {
		for _, v := range values {
			image := map[string]string{"partition": "romfs1", "files": "[]"}
			image[key] = v
			var b strings.Builder
			for _, k := range slices.Sorted(maps.Keys(image)) {
				b.WriteString(k + ": " + image[k] + ", ")
			}
			docs["images[0]."+key+": "+v] = head + "images: [{" + b.String() + "}]\n"
		}
	}
	for _, kind := range []string{"src: a", "{}", "image: a", "image: a, dest: b", "mkdir: a"} {
		for _, key := range []string{"src", "image", "mkdir", "dest", "strip", "exclude", "mpy", "align", "bulk", "optional", "transform"} {
			for _, v := range values {
				docs[kind+", "+key+": "+v] = head + "files:\n  - {" + strings.Trim(kind, "{}") + ", " + key + ": " + v + "}\n"
			}
		}
	}
	for _, key := range []string{"version", "compile", "optimize", "emit", "arch", "arch_flags", "small_int_bits", "keep_source", "x"} {
		for _, v := range values {
			docs["mpy."+key+": "+v] = head + "mpy: {" + key + ": " + v + "}\nfiles: []\n"
			docs["files[0].mpy."+key+": "+v] = head + "files: [{src: a, mpy: {" + key + ": " + v + "}}]\n"
		}
	}
	for _, key := range []string{"preset", "args", "run", "inputs", "output", "x"} {
		for _, v := range append(values, "vela", "haar", "'{in}'", "['{in}']", "[a, '{in}', '{out}']", "['{inputs[0]}']", "'{stem}.bin'") {
			for _, with := range []string{"", "preset: vela, ", "run: [a, '{in}'], ", "preset: vela, run: [a, '{in}'], "} {
				docs["transform."+with+key+": "+v] = head + "files: [{src: a, transform: {" + with + key + ": " + v + "}}]\n"
			}
		}
	}
	return docs
}

// schemaValidator returns the committed schema, ready to use.
func schemaValidator(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	c := jsonschema.NewCompiler()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.AddResource("romfs.schema.json", doc); err != nil {
		tb.Fatal(err)
	}
	validator, err := c.Compile("romfs.schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	return validator
}
