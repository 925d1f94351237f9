// Command rulesdoc writes docs/rules.md from what Bazel extracts of the public
// Starlark files (starlark_doc_extract), in its text form.
//
//	rulesdoc MODULE.textproto... > docs/rules.md
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode"
)

func main() {
	out, err := render(os.Args[1:])
	if err == nil {
		_, err = os.Stdout.Write(out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rulesdoc:", err)
		os.Exit(1)
	}
}

const head = `<!-- Written by tools/rulesdoc from the rules themselves: edit those, then run tools/update-docs. -->

# Rules

`

func render(files []string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		module, err := parse(string(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		renderModule(&b, module)
	}
	// Bazel before 8.1 extracts what is not ASCII as if it were Latin-1.
	for number, line := range strings.Split(b.String(), "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return r > unicode.MaxASCII }) {
			return nil, fmt.Errorf("line %d of the reference is not ASCII: write %q in ASCII", number+1, line)
		}
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n'), nil
}

func renderModule(b *bytes.Buffer, m *message) {
	file := m.text("file")
	if _, path, ok := strings.Cut(file, "//"); ok {
		// The rules themselves lie behind macros of the same names.
		file = "@rules_romfs//" + strings.Replace(path, "rules/private:reference.bzl", "rules:defs.bzl", 1)
	}
	fmt.Fprintf(b, "%s\n\n", strings.TrimSpace(m.text("module_docstring")))
	var names []string
	for _, kind := range []struct{ field, name string }{{"rule_info", "rule_name"}, {"func_info", "function_name"}, {"provider_info", "provider_name"}} {
		for _, s := range m.all(kind.field) {
			names = append(names, s.text(kind.name))
		}
	}
	slices.SortFunc(names, strings.Compare)
	fmt.Fprintf(b, "```starlark\nload(%q, %s)\n```\n\n", file, quoted(names))
	for _, r := range m.sorted("rule_info", "rule_name") {
		renderSymbol(b, r.text("rule_name"), r.text("doc_string"))
		renderTable(b, "attribute", "type", r.all("attribute"), func(a *message) (string, string) {
			kind := strings.ToLower(strings.ReplaceAll(a.text("type"), "_", " "))
			if a.text("name") == "name" {
				return "name", "A unique name for the target."
			}
			return kind, a.text("doc_string")
		})
	}
	for _, f := range m.sorted("func_info", "function_name") {
		renderSymbol(b, f.text("function_name"), f.text("doc_string"))
		renderTable(b, "argument", "", f.all("parameter"), func(p *message) (string, string) { return "", p.text("doc_string") })
	}
	for _, p := range m.sorted("provider_info", "provider_name") {
		renderSymbol(b, p.text("provider_name"), p.text("doc_string"))
		b.WriteString("| field | |\n| --- | --- |\n")
		for _, f := range p.all("field_info") {
			fmt.Fprintf(b, "| `%s` | %s |\n", f.text("name"), cell(f.text("doc_string")))
		}
		b.WriteString("\n")
	}
}

func quoted(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = `"` + n + `"`
	}
	return strings.Join(q, ", ")
}

func renderSymbol(b *bytes.Buffer, name, doc string) {
	fmt.Fprintf(b, "## %s\n\n%s\n\n", name, strings.TrimSpace(doc))
}

// renderTable writes attributes of a rule, or arguments of a macro: those that
// must be given first, else in alphabetical order.
func renderTable(b *bytes.Buffer, what, kind string, rows []*message, describe func(*message) (kind, doc string)) {
	must := func(m *message) bool { return m.text("mandatory") == "true" || m.text("name") == "name" }
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(x, y *message) int {
		switch {
		case must(x) != must(y):
			if must(x) {
				return -1
			}
			return 1
		case (x.text("name") == "name") != (y.text("name") == "name"):
			if x.text("name") == "name" {
				return -1
			}
			return 1
		}
		return strings.Compare(x.text("name"), y.text("name"))
	})
	if kind != "" {
		fmt.Fprintf(b, "| %s | %s | default | |\n| --- | --- | --- | --- |\n", what, kind)
	} else {
		fmt.Fprintf(b, "| %s | default | |\n| --- | --- | --- |\n", what)
	}
	for _, r := range rows {
		def := r.text("default_value")
		switch {
		case must(r):
			def = "required"
		case def != "":
			def = "`" + def + "`"
		}
		k, doc := describe(r)
		name := "`" + r.text("name") + "`"
		if r.text("role") == "PARAM_ROLE_KWARGS" {
			// Bazel 8 has the asterisks in the name.
			name, def = "`**"+strings.TrimLeft(r.text("name"), "*")+"`", ""
		}
		if kind != "" {
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, k, def, cell(doc))
		} else {
			fmt.Fprintf(b, "| %s | %s | %s |\n", name, def, cell(doc))
		}
	}
	b.WriteString("\n")
}

// cell makes a doc string fit into a table.
func cell(doc string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(doc), " "), "|", `\|`)
}
