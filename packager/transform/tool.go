package transform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"rules_romfs/internal/child"
)

// A Tool is a program that converts files.
type Tool struct {
	Name    string // as the manifest names it: "vela", "tools/pack_table"
	Path    string // the executable; empty for one that is built in
	Version string // what a preset's tool says of itself; else empty

	converted func(source []byte) bool                           // tells a source that needs no conversion; may be nil
	facts     []string                                           // all that tells its output from another's
	env       []string                                           // its variables, but for those of the directory
	made      func(source string) []string                       // where its output may be below outDir; nil: as the arguments say
	builtin   func(source []byte, args []string) ([]byte, error) // instead of Path
}

// newTool returns the tool of a transform's run.
func newTool(name, path string) (*Tool, error) {
	facts, err := digests(path)
	if err != nil {
		return nil, err
	}
	return &Tool{Name: name, Path: path, facts: append([]string{"run"}, facts...), env: environment()}, nil
}

// Beside returns where a program lies that a manifest in dir names by a path; false
// is for one that is looked up in PATH.
func Beside(name, dir string) (string, bool) {
	if !strings.Contains(name, "/") {
		return "", false
	}
	return filepath.Join(dir, filepath.FromSlash(name)), true
}

// lookUp finds the executable that a manifest in dir calls name: the given one,
// or relative to dir if the name has a slash, or in PATH.
func lookUp(name, dir, given string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	path, beside := Beside(name, dir)
	if !beside {
		path, err := exec.LookPath(name)
		if err != nil {
			return "", errors.New("not found in PATH")
		}
		return filepath.Abs(path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	found, err := exec.LookPath(path)
	switch {
	case err == nil:
		return found, nil
	case errors.Is(err, os.ErrPermission):
		return "", errors.New("the file is not executable")
	case errors.Is(err, os.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return "", errors.New("there is no such file beside the manifest")
	}
	return "", errors.Unwrap(err)
}

// environment are the variables of every run that do not depend on its
// directory. Of the user's own only those are passed on that programs are found
// and started by.
func environment() []string {
	env := []string{
		"LC_ALL=C", "TZ=UTC",
		"SOURCE_DATE_EPOCH=315532800",                   // 1980: what all archive formats can write
		"PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1", // many tools are Python programs
	}
	passed := []string{"PATH"}
	if runtime.GOOS == "windows" {
		passed = append(passed, "PATHEXT", "SystemRoot", "ComSpec")
	}
	for _, name := range passed {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// digests returns the digests of an executable and, of a script, of its
// interpreter.
func digests(path string) ([]string, error) {
	sum, head, err := digest(path)
	if err != nil {
		return nil, err
	}
	facts := []string{sum}
	if interpreter := interpreterOf(head); interpreter != "" {
		if sum, _, err := digest(interpreter); err == nil { // else starting it will say what is wrong
			facts = append(facts, sum)
		}
	}
	return facts, nil
}

// digest returns the sha256 of a program, and how it begins.
func digest(path string) (sum string, head []byte, err error) {
	d, head, err := child.Digest(path)
	if err != nil {
		return "", nil, bare(err)
	}
	return string(d[:]), head, nil
}

// interpreterOf returns the program that a script's first line names, also
// through env; empty if there is none.
func interpreterOf(head []byte) string {
	line, ok := bytes.CutPrefix(head, []byte("#!"))
	if !ok {
		return ""
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return ""
	}
	if filepath.Base(words[0]) != "env" {
		return words[0]
	}
	for _, w := range words[1:] {
		if !strings.HasPrefix(w, "-") && !strings.Contains(w, "=") {
			path, _ := exec.LookPath(w)
			return path
		}
	}
	return ""
}

// version runs a tool with the arguments that make it say its version, and
// returns the last line that it prints.
func (t *Tool) version(ctx context.Context, args ...string) (string, error) {
	d, err := newDirectory()
	if err != nil {
		return "", err
	}
	defer d.remove()
	printed, err := d.run(ctx, t, args)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	last := printed[strings.LastIndexByte(printed, '\n')+1:]
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %.200s", t.Name, strings.Join(args, " "), err, last)
	}
	if last == "" || len(last) > 200 {
		return "", fmt.Errorf("%s %s printed no version", t.Name, strings.Join(args, " "))
	}
	return last, nil
}
