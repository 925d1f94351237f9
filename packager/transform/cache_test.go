package transform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/filecache"
	"rules_romfs/internal/testprogram"
)

// counting makes a tool that notes each of its runs, and a function that counts
// those since the last call.
func counting(t *testing.T, text string) (*Tool, func() int) {
	t.Helper()
	notes := filepath.Join(t.TempDir(), "notes")
	last := 0
	return script(t, "echo x >>'"+notes+"'\n"+text), func() int {
		data, err := os.ReadFile(notes)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		n := len(data)/2 - last
		last += n
		return n
	}
}

func newCache(t *testing.T) *filecache.Cache {
	t.Helper()
	c, err := OpenCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCacheHitsAreExact: the same conversion is found again, and one that
// differs in anything that may count is not.
func TestCacheHitsAreExact(t *testing.T) {
	t.Parallel()
	cache := newCache(t)
	const text = `cat "$1" "$3" >"$2"; echo "$@" >>"$2"`
	tool, runs := counting(t, text)
	dir := t.TempDir()
	input := write(t, filepath.Join(dir, "input"), "input\n", 0o666)
	base := job(t, tool, "a.csv", "source\n", "{in}", "{out}", "{inputs[0]}")
	base.Inputs = []File{{Name: "head", Path: input}}
	first := run(t, &Batch{Cache: cache}, base)[0]
	if first.Cached || runs() != 1 {
		t.Fatal("the first run is none")
	}
	elsewhere := base
	elsewhere.Path = write(t, filepath.Join(t.TempDir(), "copy"), "source\n", 0o644)
	elsewhere.Inputs = []File{{Name: "head", Path: write(t, filepath.Join(t.TempDir(), "copy"), "input\n", 0o644)}}
	elsewhere.Where = Where{Source: "other/a.csv", Rule: "files[9]"}
	if r := run(t, &Batch{Cache: cache}, elsewhere)[0]; !r.Cached || string(r.Content) != string(first.Content) || r.Sum != first.Sum || r.SourceSum != first.SourceSum || runs() != 0 {
		t.Error("the same conversion in another place is run again")
	}

	change := func(name string, f func(j *Job)) {
		j := base
		j.Args, j.Inputs = append([]string{}, base.Args...), append([]File{}, base.Inputs...)
		f(&j)
		r := run(t, &Batch{Cache: cache}, j)[0]
		if r.Cached || runs() != 1 {
			t.Errorf("%s: not run again", name)
		}
		if again := run(t, &Batch{Cache: cache}, j)[0]; !again.Cached || string(again.Content) != string(r.Content) || runs() != 0 {
			t.Errorf("%s: run again and again", name)
		}
	}
	change("the source", func(j *Job) { j.Path = write(t, filepath.Join(t.TempDir(), "a.csv"), "other\n", 0o666) })
	change("its name", func(j *Job) { j.Name = "b.csv" })
	change("the output's name", func(j *Job) { j.Output = "b.bin" })
	change("an argument", func(j *Job) { j.Args = append(j.Args, "--fast") })
	change("two arguments in one", func(j *Job) { j.Args = []string{"{in}", "{out}", "{inputs[0]}", "--fast", ""} })
	change("an input", func(j *Job) {
		j.Inputs[0].Path = write(t, filepath.Join(t.TempDir(), "input"), "new input\n", 0o666)
	})
	change("an input's name", func(j *Job) { j.Inputs[0].Name = "tail" })
	change("one input more", func(j *Job) { j.Inputs = append(j.Inputs, File{Name: "more", Data: []byte{}}) })

	// The same tool somewhere else is the same; one that differs is another.
	copied := *tool
	if err := os.WriteFile(tool.Path, append(read(t, tool.Path), "# a comment\n"...), 0o777); err != nil {
		t.Fatal(err)
	}
	changed := find(t, "tools/x", filepath.Dir(filepath.Dir(tool.Path)))
	change("the tool", func(j *Job) { j.Tool = changed })
	if r := run(t, &Batch{Cache: cache}, base)[0]; !r.Cached {
		t.Error("the old tool's output is forgotten")
	}
	copied.facts = append([]string{}, copied.facts...)
	copied.facts[len(copied.facts)-1] = strings.Repeat("x", 32)
	change("the interpreter of its script", func(j *Job) { j.Tool = &copied })

	if r := run(t, &Batch{}, base)[0]; r.Cached || runs() != 1 {
		t.Error("without a cache nothing is run")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestFailuresAreNotKept: what has failed is tried again.
func TestFailuresAreNotKept(t *testing.T) {
	t.Parallel()
	tool, runs := counting(t, `exit 1`)
	b := &Batch{Cache: newCache(t)}
	for range 2 {
		if _, err := b.Run(t.Context(), []Job{job(t, tool, "a.csv", "", "{in}")}); err == nil || runs() != 1 {
			t.Errorf("%v, or not run", err)
		}
	}
}

// TestInterpreter: of a script, the program that its first line names counts.
func TestInterpreter(t *testing.T) {
	dir := t.TempDir()
	python := testprogram.Write(t, filepath.Join(dir, "bin", "python9"), "one")
	t.Setenv("PATH", filepath.Join(dir, "bin"))
	for head, want := range map[string]string{
		"#!/bin/sh\n": "/bin/sh", "#! /bin/sh -e\n": "/bin/sh", "#!/usr/bin/env python9\nx": python, "#!/usr/bin/env -S A=1 python9 -u\n": python,
		"#!/usr/bin/env nothing\n": "", "#!": "", "\x7fELF": "", "": "",
	} {
		if got := interpreterOf([]byte(head)); got != want {
			t.Errorf("%q: %q, want %q", head, got, want)
		}
	}
	testprogram.Write(t, filepath.Join(dir, "tools", "x"), "#!/usr/bin/env python9\n")
	before := find(t, "tools/x", dir)
	testprogram.Write(t, python, "two")
	if after := find(t, "tools/x", dir); strings.Join(before.facts, "") == strings.Join(after.facts, "") {
		t.Error("another interpreter, and the same key")
	}
}
