package board

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/strictyaml/schemagen"
)

const schemaFile = "schema/board.schema.json"

// TestSchema: the committed schema is what the types say.
func TestSchema(t *testing.T) {
	t.Parallel()
	got, err := schemagen.Generate(File{}, schemagen.Options{
		ID: "board.schema.json", Title: "Board file, version 1",
		Packages: map[string]string{"rules_romfs/packager/board": "."},
	})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, Schema()) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the types say; run: go test ./packager/board -update", schemaFile)
	}
	if err := os.WriteFile(schemaFile, got, 0o666); err != nil {
		t.Fatal(err)
	}
}

func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("board.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	v, err := c.Compile("board.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchemaAgrees: the schema, as a real validator has it, and the decoder
// give the same verdict on every key with each of many values. What a schema
// cannot see is what relates two values, or is inside a pattern.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	v := validator(t)
	for _, id := range IDs() {
		data, err := files.ReadFile("boards/" + id + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := yaml.Unmarshal(data, &value); err != nil {
			t.Fatal(err)
		}
		if err := v.Validate(value); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}

	accepted, refused := 0, 0
	for text := range documents() {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			continue
		}
		invalid := v.Validate(value)
		_, err := parse([]byte(text), "board.yaml")
		var errs strictyaml.Errors
		errors.As(err, &errs)
		visible := slices.ContainsFunc(errs, func(e *strictyaml.Error) bool { return !beyondSchema(e) })
		switch {
		case err == nil && invalid != nil:
			t.Errorf("decoded, but the schema refuses it: %v\n%s", invalid, text)
		case visible && invalid == nil:
			t.Errorf("valid by the schema, but %v\n%s", err, text)
		case err == nil:
			accepted++
		case visible:
			refused++
		}
	}
	if accepted < 60 || refused < 300 {
		t.Errorf("%d documents were accepted and %d refused: the test has lost its point", accepted, refused)
	}
}

func beyondSchema(e *strictyaml.Error) bool {
	return slices.ContainsFunc([]string{"no multiple of", "no power of two", "more than the alignment", "no pattern", "no whole number", "more than 4 GiB", "already", "in a list of architectures", "not that of another core"},
		func(s string) bool { return strings.Contains(e.Message, s) }) || e.Code == strictyaml.CodeDuplicateKey
}

// documents yields board files, good and bad: each key with each of many values.
func documents() func(yield func(string) bool) {
	values := []string{"1", "0", "-1", "4", "16", "255", "256", "1.5", "true", "false", "text", "romfs0", "armv7m", "none", "[none]", "[armv6m, rv32imc]",
		"armv9", "[]", "[a]", "[1]", "{}", "~", "\"\"", "4KiB", "0x1000", "1.5KiB", "4.1KiB", "5GiB", "memoryview", "nor", "dram", "[zba]", "[zbb]",
		"{alt: 1}", "{alt: 1, address: 0x90000000, leave: true, erase: 4KiB}", "{alt: -1}", "{alt: 1, x: 2}", "37C5:1206", "\"37C5:1206\"", "\"37C5:120\"",
		"runtime", "bootloader", "[{match: a, to: 4}]", "[{match: a}]", "[{id: \"37C5:1206\", mode: runtime}]", "{arch: armv6m}", "{arch: armv6m, small_int_bits: 64}",
		"[{name: romfs0, index: 0}]", "[{name: Romfs, index: 0}]", "yes", "Open MV", "a-b-c"}
	type level struct{ keys, form string }
	levels := []level{
		{"version id name machines mpy openmv align partitions no_rom usb x", "%s"},
		{"arch arch_flags small_int_bits x", "mpy: {%s}"},
		{"match to x", "align: [{%s}]"},
		{"name index base size tail erase write segment medium read_only core core_idle dfu x", "partitions: [{%s}]"},
		{"alt address erase leave x", "partitions: [{name: p, index: 1, dfu: {%s}}]"},
		{"id mode x", "usb: [{%s}]"},
	}
	defaults := map[string][][2]string{
		"%s":                 {{"version", "1"}, {"id", "b"}, {"name", "B"}, {"partitions", "[{name: romfs0, index: 0}]"}},
		"align: [{%s}]":      {{"match", "a"}, {"to", "4"}},
		"partitions: [{%s}]": {{"name", "romfs0"}, {"index", "0"}},
		"partitions: [{name: p, index: 1, dfu: {%s}}]": {{"alt", "1"}},
		"usb: [{%s}]": {{"id", "\"1234:abcd\""}, {"mode", "runtime"}},
	}
	return func(yield func(string) bool) {
		for _, l := range levels {
			for key := range strings.FieldsSeq(l.keys) {
				for _, v := range append(values, "<absent>") {
					var pairs []string
					for _, d := range defaults[l.form] {
						if d[0] != key {
							pairs = append(pairs, d[0]+": "+d[1])
						}
					}
					if v != "<absent>" {
						pairs = append(pairs, key+": "+v)
					}
					text := strings.Join(pairs, "\n") + "\n"
					if l.form != "%s" {
						text = "version: 1\nid: b\nname: B\n" + fmt.Sprintf(l.form, strings.Join(pairs, ", ")) + "\n"
						if !strings.HasPrefix(l.form, "partitions") {
							text += "partitions: [{name: romfs0, index: 0}]\n"
						}
					}
					if !yield(text) {
						return
					}
				}
			}
		}
	}
}
