package manifest

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/check"
	"rules_romfs/manifest/internal/lint"
	"rules_romfs/manifest/internal/resolve"
	"rules_romfs/manifest/internal/spec"
)

const docsFile = "../docs/manifest.md"

var (
	generated = regexp.MustCompile(`(?s)(<!-- generated: (\w+) -->\n).*?(<!-- end -->)`)
	yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")
)

// The reference in docs/manifest.md is what the types and constants say, and
// its examples are manifests.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	got := generated.ReplaceAllStringFunc(string(data), func(section string) string {
		m := generated.FindStringSubmatch(section)
		var body string
		switch m[2] {
		case "keys":
			body = docsKeys(t)
		case "warnings":
			body = "| code | meaning |\n|---|---|\n"
			for _, l := range Lints() {
				body += fmt.Sprintf("| `%s` | %s |\n", l.Code, l.Meaning)
			}
		case "errors":
			body = docsErrors(t)
		case "limits":
			body = docsLimits()
		default:
			t.Fatalf("unknown section %s", m[2])
		}
		return m[1] + body + m[3]
	})
	compareGolden(t, docsFile, got)

	blocks := yamlBlock.FindAllStringSubmatch(got, -1)
	if len(blocks) < 3 {
		t.Errorf("only %d examples", len(blocks))
	}
	for _, b := range blocks {
		if _, err := Parse([]byte(b[1]), "romfs.yaml"); err != nil {
			t.Errorf("example:\n%s\n%v", b[1], err)
		}
	}
	for _, name := range []string{"__pycache__", ".git", ".hg", ".svn", ".DS_Store", "Thumbs.db", "desktop.ini", "x.pyc", "x.pyo", "x~", "x.swp", "x.swo", ".#x", "#x#"} {
		if pattern := strings.Replace(name, "x", "*", 1); !lint.IsJunk(name) || !strings.Contains(got, "`"+pattern+"`") {
			t.Errorf("%s is not junk, or not in the docs", name)
		}
	}
	for _, name := range []string{"x.pem", "x.key", "x.p12", "x.pfx", "x.jks", "x.keystore", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".env", ".netrc", ".npmrc", ".pypirc"} {
		if pattern := strings.Replace(name, "x", "*", 1); !lint.IsSecret(name) || !strings.Contains(got, "`"+pattern+"`") {
			t.Errorf("%s is no secret, or not in the docs", name)
		}
	}
}

// A docsSchema is what the reference needs of a JSON Schema.
type docsSchema struct {
	Ref         string                `json:"$ref"`
	Defs        map[string]docsSchema `json:"$defs"`
	Type        string                `json:"type"`
	Description string                `json:"description"`
	Properties  json.RawMessage       `json:"properties"`
	Required    []string              `json:"required"`
	Items       *docsSchema           `json:"items"`
	OneOf       []docsSchema          `json:"oneOf"`
	Enum        []any                 `json:"enum"`
	Const       any                   `json:"const"`
	Minimum     *int64                `json:"minimum"`
	Maximum     *int64                `json:"maximum"`
	Pattern     string                `json:"pattern"`
}

// docsKeys writes a table of keys for each mapping, in the order of the types.
func docsKeys(t *testing.T) string {
	var root docsSchema
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	table := func(title string, s docsSchema) {
		fmt.Fprintf(&b, "\n### %s\n\n| key | value | meaning |\n|---|---|---|\n", title)
		var props map[string]docsSchema
		if err := json.Unmarshal(s.Properties, &props); err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(strings.NewReader(string(s.Properties))) // in order
		_, _ = dec.Token()
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				t.Fatal(err)
			}
			var skip json.RawMessage
			if err := dec.Decode(&skip); err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprint(key)
			p := props[name]
			required := ""
			if slices.Contains(s.Required, name) {
				required = ", required"
			}
			fmt.Fprintf(&b, "| `%s` | %s%s | %s |\n", name, docsType(p, name), required, strings.ReplaceAll(p.Description, "|", `\|`))
		}
	}
	table("At the top", root)
	titles := map[string]string{"Align": "An entry of `align`", "Budget": "`budget`", "ImageEntry": "An entry of `images`", "Lint": "`lint`", "MPY": "`mpy` at the top", "MPYSettings": "`mpy` of a rule", "Rule": "An entry of `files`", "TransformSettings": "`transform` of a rule"}
	for _, name := range []string{"MPY", "Align", "Budget", "Lint", "Rule", "MPYSettings", "TransformSettings", "ImageEntry"} {
		table(titles[name], root.Defs[name])
		delete(root.Defs, name)
	}
	if len(root.Defs) > 0 {
		t.Errorf("no table of %v", slices.Collect(maps.Keys(root.Defs)))
	}
	return b.String() + "\n"
}

// docsType says in a few words which values a key takes.
func docsType(s docsSchema, key string) string {
	switch {
	case key == "allow":
		return "list of [codes](#warnings)"
	case s.Ref != "":
		return "mapping"
	case len(s.Enum) > 20:
		return "power of two"
	case len(s.Enum) > 0:
		var all []string
		for _, e := range s.Enum {
			all = append(all, fmt.Sprintf("`%v`", e))
		}
		return strings.Join(all, ", ")
	case s.Const != nil:
		return fmt.Sprintf("`%v`", s.Const)
	case len(s.OneOf) > 0:
		var all []string
		for _, o := range s.OneOf {
			all = append(all, docsType(o, key))
		}
		return strings.Join(all, " or ")
	case s.Type == "array":
		if s.Items.Ref != "" {
			return "list of mappings"
		}
		return "list of " + strings.Replace(docsType(*s.Items, key), "string", "strings", 1)
	case s.Type == "integer" && s.Maximum != nil && *s.Maximum < 100:
		return fmt.Sprintf("%d to %d", *s.Minimum, *s.Maximum)
	case s.Type == "integer":
		return "whole number"
	case s.Type == "boolean":
		return "`true` or `false`"
	case strings.Contains(s.Pattern, "KiB"):
		return "size"
	case strings.Contains(s.Pattern, "%"):
		return "percentage"
	}
	return s.Type
}

// docsErrors lists the error codes with the comments beside their constants.
func docsErrors(t *testing.T) string {
	meaning := map[string]string{}
	for _, file := range []string{"internal/code/errors.go", "../internal/strictyaml/errors.go", "../internal/pattern/compile.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Values) == 0 || file != "internal/code/errors.go" && !strings.HasPrefix(v.Names[0].Name, "Code") {
				return true
			}
			lit, ok := v.Values[0].(*ast.BasicLit)
			if !ok {
				return true // another name for one of strictyaml's
			}
			code, err := strconv.Unquote(lit.Value)
			if err != nil || v.Comment == nil {
				t.Errorf("%s has no comment", v.Names[0].Name)
				return true
			}
			meaning[code] = strings.TrimSpace(v.Comment.Text())
			return true
		})
	}
	out := "| code | meaning |\n|---|---|\n"
	for _, code := range slices.Sorted(maps.Keys(meaning)) {
		out += fmt.Sprintf("| `%s` | %s |\n", code, meaning[code])
	}
	return out
}

func docsLimits() string {
	out := "| | limit |\n|---|---|\n"
	for _, l := range []struct {
		what  string
		limit any
	}{
		{"size of a manifest", fmt.Sprintf("%d MiB", strictyaml.MaxBytes>>20)},
		{"lines, commas, colons and brackets in it, together", strictyaml.MaxMarks},
		{"quotes, stars, ampersands and exclamation marks", strictyaml.MaxQuotes},
		{"depth of values", strictyaml.MaxDepth},
		{"values that aliases expand to", strictyaml.MaxAliased},
		{"errors of one file that are listed", strictyaml.MaxErrors},
		{"errors of one kind about one pattern that are listed", resolve.MaxAlike},
		{"length of a pattern", fmt.Sprintf("%d KiB", pattern.MaxBytes>>10)},
		{"patterns that its braces stand for", pattern.MaxAlternatives},
		{"patterns of a manifest, with those", check.MaxPatterns},
		{"path segments of a pattern", pattern.MaxSegments},
		{"length of a name in the image (what MicroPython's driver states)", fmt.Sprintf("%d bytes", check.MaxNameBytes)},
		{"alignment", fmt.Sprintf("%d MiB", spec.MaxAlignment>>20)},
		{"depth of nested images", resolve.MaxNestingDepth},
		{"images of a manifest", spec.MaxImages},
		{"images in an image, counted as often as they are packed", resolve.MaxNestedImages},
		{"files and directories of a plain directory", resolve.MaxDirEntries},
	} {
		out += fmt.Sprintf("| %s | %v |\n", l.what, l.limit)
	}
	return out
}
