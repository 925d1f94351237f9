package transform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/testprogram"
	"rules_romfs/manifest"
)

// write makes a file with its directories.
func write(t testing.TB, path, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// script makes a tool of a shell script.
func script(t testing.TB, text string) *Tool {
	t.Helper()
	dir := t.TempDir()
	testprogram.Write(t, filepath.Join(dir, "tools", "x"), "#!/bin/sh\nset -e\n"+text)
	return find(t, "tools/x", dir)
}

func find(t testing.TB, name, dir string) *Tool {
	t.Helper()
	var f Finder
	tool, err := f.Tool(t.Context(), &manifest.TransformPlan{Run: []string{name}}, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// job is one for a source of that name and content.
func job(t testing.TB, tool *Tool, name, content string, args ...string) Job {
	t.Helper()
	return Job{
		Where: Where{Source: "data/" + name, Manifest: "romfs.yaml", Line: 5, Column: 7, Rule: "files[0]"},
		Path:  write(t, filepath.Join(t.TempDir(), name), content, 0o666), Name: name, Tool: tool, Args: args, Output: name,
	}
}

func run(t testing.TB, b *Batch, jobs ...Job) []Result {
	t.Helper()
	results, err := b.Run(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// TestRun: what the tool makes of the source and its inputs is the result.
func TestRun(t *testing.T) {
	t.Parallel()
	tool := script(t, `tr a-z A-Z <"$1" >"$2"; cat "$3" >>"$2"; echo "$4" >>"$2"`)
	j := job(t, tool, "a.csv", "abc\n", "{in}", "{out}", "{inputs[0]}", "{{{stem}}} {name}")
	j.Inputs = []File{{Name: "head", Path: write(t, filepath.Join(t.TempDir(), "other"), "input\n", 0o666)}}
	j.Output = "a.bin"
	r := run(t, &Batch{}, j)
	if got, want := string(r[0].Content), "ABC\ninput\n{a} a.csv\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFailure: an exit status is an error that says where, what and why.
func TestFailure(t *testing.T) {
	t.Parallel()
	tool := script(t, `echo "line 3: no such column" >&2; exit 3`)
	_, err := (&Batch{}).Run(t.Context(), []Job{job(t, tool, "a.csv", "", "{in}"), job(t, tool, "b.csv", "", "{in}")})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"romfs.yaml:5:7: files[0].transform: data/a.csv: tools/x: exit status 3", "data/b.csv", "line 3: no such column"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}
