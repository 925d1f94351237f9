package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = `file: "@@//rules:defs.bzl"
module_docstring: "Rules."
rule_info {
  rule_name: "thing"
  doc_string: "A \'thing\'.\n\nIt has ` + "`a|b`" + `.\n"
  attribute {
    name: "zeal"
    type: BOOLEAN
    default_value: "False"
  }
  attribute {
    name: "image"
    doc_string: "One,\nor | two."
    type: LABEL
    mandatory: true
  }
  attribute {
    name: "name"
    type: NAME
    mandatory: true
  }
}
func_info {
  function_name: "macro"
  parameter {
    name: "kwargs"
    role: PARAM_ROLE_KWARGS
  }
}
provider_info {
  provider_name: "ThingInfo"
  field_info {
    name: "file"
    doc_string: "File: \303\274"
  }
}
`

func TestRender(t *testing.T) {
	m, err := parse(module)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	renderModule(&b, m)
	want := `Rules.

` + "```starlark" + `
load("@rules_romfs//rules:defs.bzl", "ThingInfo", "macro", "thing")
` + "```" + `

## thing

A 'thing'.

It has ` + "`a|b`" + `.

| attribute | type | default | |
| --- | --- | --- | --- |
| ` + "`name`" + ` | name | required | A unique name for the target. |
| ` + "`image`" + ` | label | required | One, or \| two. |
| ` + "`zeal`" + ` | boolean | ` + "`False`" + ` |  |

## macro



| argument | default | |
| --- | --- | --- |
| ` + "`**kwargs`" + ` |  |  |

## ThingInfo



| field | |
| --- | --- |
| ` + "`file`" + ` | File: ü |

`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestAnyBazel: of what Bazel 8.1 extracts, which has the asterisks of **kwargs,
// the reference is the same as of what Bazel 7 does.
func TestAnyBazel(t *testing.T) {
	var pages []string
	for _, text := range []string{module, strings.Replace(module, `name: "kwargs"`, `name: "**kwargs"`, 1)} {
		m, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		renderModule(&b, m)
		pages = append(pages, b.String())
	}
	if pages[0] != pages[1] {
		t.Errorf("Bazel 7:\n%s\nBazel 8:\n%s", pages[0], pages[1])
	}
}

// TestASCII: a doc string that Bazel before 8.1 and after it extract differently is refused.
func TestASCII(t *testing.T) {
	file := filepath.Join(t.TempDir(), "defs.textproto")
	if err := os.WriteFile(file, []byte(module), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := render([]string{file}); err == nil || !strings.Contains(err.Error(), "is not ASCII") {
		t.Errorf("%v, want that a text is not ASCII", err)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"rule_info {\n":       "1 braces are not closed",
		"}\n":                 `line 1: unexpected "}"`,
		"a: 1\nname: \"x\n":   "line 2: \"x is no string",
		"file \"no colon\"\n": "line 1: unexpected",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
