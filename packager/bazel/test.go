package bazel

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/packager/romfs"
)

// A Test is what romfs_test checks of an image. Files are runfiles paths.
type Test struct {
	Image          string   `json:"image"`
	MustContain    []string `json:"must_contain"`
	MustNotContain []string `json:"must_not_contain"`
	MaxSize        int64    `json:"max_size"` // bytes; 0: any
	Imports        []string `json:"imports"`
	Stubs          []string `json:"stubs"`
}

// RunTest carries out a test and reports each check on w. The error names all
// that failed.
func (r *Request) RunTest(ctx context.Context, w io.Writer) error {
	path, err := r.file(r.Test.Image)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	failed := 0
	check := func(what string, problems ...string) {
		if len(problems) == 0 {
			fmt.Fprintf(w, "ok    %s\n", what)
			return
		}
		failed++
		fmt.Fprintf(w, "FAIL  %s\n", what)
		for _, p := range problems {
			fmt.Fprintf(w, "      %s\n", strings.ReplaceAll(p, "\n", "\n      "))
		}
	}

	check("the image is sound", r.Test.problems(file, info.Size())...)
	if limit := r.Test.MaxSize; limit > 0 {
		var problems []string
		if info.Size() > limit {
			problems = append(problems, fmt.Sprintf("it has %d bytes, %d too many", info.Size(), info.Size()-limit))
		}
		check(fmt.Sprintf("it has at most %d bytes", limit), problems...)
	}
	files, err := list(file, info.Size())
	if err != nil {
		return err
	}
	for _, pattern := range r.Test.MustContain {
		found, err := match(pattern, files)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("no file matches; it has %s", strings.Join(files, ", "))
		}
		check("it contains "+pattern, texts(err)...)
	}
	for _, pattern := range r.Test.MustNotContain {
		found, err := match(pattern, files)
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("it has %s", strings.Join(found, ", "))
		}
		check("it does not contain "+pattern, texts(err)...)
	}
	if len(r.Test.Imports) > 0 {
		output, err := r.imports(ctx, path, info.Size())
		check("MicroPython imports "+strings.Join(r.Test.Imports, ", ")+" from /rom", texts(err)...)
		if err == nil && output != "" {
			fmt.Fprintf(w, "      %s\n", strings.ReplaceAll(output, "\n", "\n      "))
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s: %d checks failed", r.Label, failed)
	}
	return nil
}

func texts(err error) []string {
	if err == nil {
		return nil
	}
	return []string{err.Error()}
}

func (t *Test) problems(image io.ReaderAt, size int64) []string {
	var problems []string
	for _, p := range romfs.Validate(image, size) {
		if p.Severity == romfs.Error {
			problems = append(problems, p.Message)
		}
	}
	return problems
}

func list(image io.ReaderAt, size int64) ([]string, error) {
	im, err := romfs.Open(image, size)
	if err != nil {
		return nil, err
	}
	var files []string
	err = im.Walk(func(e *romfs.Entry) error {
		if !e.Dir {
			files = append(files, e.Path())
		}
		return nil
	})
	return files, err
}

func match(text string, files []string) ([]string, error) {
	p, err := pattern.Compile(text, pattern.Destinations)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, f := range files {
		if f == strings.TrimPrefix(text, "/") || p.Match(f) {
			found = append(found, f)
		}
	}
	return found, nil
}

// imports.py mounts an image at /rom and imports modules from it.
//
//go:embed imports.py
var importScript string

// imports runs the modules in the interpreter and returns what they print.
func (r *Request) imports(ctx context.Context, image string, size int64) (string, error) {
	interpreter, err := r.file(r.MicroPython)
	if err != nil {
		return "", err
	}
	if interpreter == "" {
		return "", errors.New("there is no MicroPython toolchain for this platform")
	}
	dir, err := os.MkdirTemp("", "romfs-test-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	// MicroPython keeps its arguments and the names of imported files as qstrs,
	// of 255 bytes at most, and Bazel's folders are deep: all get short names.
	link := func(to, name string) error {
		to, err := filepath.Abs(to)
		if err != nil {
			return err
		}
		return os.Symlink(to, filepath.Join(dir, name))
	}
	if err := link(image, "image"); err != nil {
		return "", err
	}
	var stubs, names []string
	for _, path := range r.Test.Stubs {
		stub, err := r.file(path)
		if err != nil {
			return "", err
		}
		if d := filepath.Dir(stub); !slices.Contains(stubs, d) {
			name := fmt.Sprintf("stubs%d", len(stubs))
			if err := link(d, name); err != nil {
				return "", err
			}
			stubs, names = append(stubs, d), append(names, name)
		}
	}
	// The image is read into the heap, where a board has it in flash.
	heap := 16<<20 + 2*size
	args := []string{"-X", "heapsize=" + strconv.FormatInt(heap, 10), "-c", importScript, "image", strings.Join(names, ":")}
	cmd := exec.CommandContext(ctx, interpreter, append(args, r.Test.Imports...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s\n(%w)", text, err)
	}
	return text, nil
}
