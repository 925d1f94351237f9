package bazel

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/packager/interpreter"
)

// imports.py mounts an image at /rom and imports modules from it.
//
//go:embed imports.py
var importScript string

// imports runs the modules in the interpreter of the request, or in the one that
// is built in, and returns what they print.
func (r *Request) imports(ctx context.Context, image string, size int64, argv []string) (string, error) {
	path, err := r.file(r.MicroPython)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "romfs-test-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	stubs, err := r.stubDirs()
	if err != nil {
		return "", err
	}
	// The image is read into the heap, where a board has it in flash.
	heap := 16<<20 + 2*size
	run := importsBuiltIn
	if path != "" {
		run = importsWith(path)
	}
	out, err := run(ctx, &importing{dir, image, stubs, heap, append([]string{strings.Join(r.Test.Imports, ",")}, argv...)})
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s\n(%w)", text, err)
	}
	return text, nil
}

// stubDirs returns the directories of the modules that stand in for the board's.
func (r *Request) stubDirs() ([]string, error) {
	var dirs []string
	for _, path := range r.Test.Stubs {
		stub, err := r.file(path)
		if err != nil {
			return nil, err
		}
		if d := filepath.Dir(stub); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	return dirs, nil
}

// importing is a run of imports.py.
type importing struct {
	dir   string // an empty one
	image string
	stubs []string
	heap  int64
	args  []string // behind the image and the directories
}

// importsBuiltIn runs it in this process, wherever that runs.
func importsBuiltIn(ctx context.Context, i *importing) ([]byte, error) {
	s := interpreter.Script{Code: importScript, Heap: i.heap, Dir: i.dir, Dirs: map[string]string{"/image": filepath.Dir(i.image)}}
	var names []string
	for n, dir := range i.stubs {
		name := fmt.Sprintf("/stubs%d", n)
		s.Dirs[name] = dir
		names = append(names, name)
	}
	s.Args = append([]string{"/image/" + filepath.Base(i.image), strings.Join(names, ":")}, i.args...)
	return interpreter.Run(ctx, s)
}

// importsWith runs it in MicroPython's unix port.
func importsWith(path string) func(context.Context, *importing) ([]byte, error) {
	return func(ctx context.Context, i *importing) ([]byte, error) {
		// The port keeps its arguments and the names of imported files as qstrs,
		// of 255 bytes at most, and Bazel's folders are deep: all get short names.
		link := func(to, name string) error {
			to, err := filepath.Abs(to)
			if err != nil {
				return err
			}
			return os.Symlink(to, filepath.Join(i.dir, name))
		}
		if err := link(i.image, "image"); err != nil {
			return nil, err
		}
		var names []string
		for n, dir := range i.stubs {
			name := fmt.Sprintf("stubs%d", n)
			if err := link(dir, name); err != nil {
				return nil, err
			}
			names = append(names, name)
		}
		args := []string{"-X", "heapsize=" + strconv.FormatInt(i.heap, 10), "-c", importScript, "image", strings.Join(names, ":")}
		cmd := exec.CommandContext(ctx, path, append(args, i.args...)...)
		cmd.Dir = i.dir
		return cmd.CombinedOutput()
	}
}
