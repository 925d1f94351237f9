// Package imports is the environment in which user code is imported where there
// is no board: the same sys.path, and the same modules that stand in for those of
// a board's hardware, on the simulated board and in an interpreter alone.
package imports

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rules_romfs/packager/interpreter"
)

// StubsAt is where the stand-ins are mounted, behind everything else on sys.path:
// what the image or the firmware has wins, and a stand-in wins over a built-in
// module that firmware lets files replace, as machine.
const StubsAt = "/stubs"

// Path is sys.path of a board as its user code finds it: what MicroPython begins
// with, what the mounted image adds, and the board's own file system.
func Path(stubs bool) []string {
	path := []string{"", ".frozen", "/rom", "/rom/lib", "/flash", "/flash/lib"}
	if stubs {
		path = append(path, StubsAt)
	}
	return path
}

// GatherStubs copies what stands in for modules, from directories, into dst,
// which it makes. Of two files for one name the first directory's counts.
func GatherStubs(dst string, dirs []string) error {
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := gather(dst, dir); err != nil {
			return fmt.Errorf("stubs: %w", err)
		}
	}
	return nil
}

func gather(dst, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		from, to := filepath.Join(dir, e.Name()), filepath.Join(dst, e.Name())
		info, err := os.Stat(from) // links, as Bazel lays them, are followed
		if err != nil {
			return err
		}
		if info.IsDir() {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
			if err := gather(to, from); err != nil {
				return err
			}
			continue
		}
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := writeNew(to, data); err != nil {
			return err
		}
	}
	return nil
}

// writeNew writes a file unless there is one.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

//go:embed check.py
var script string

// A Check imports modules of an image, one after the other.
type Check struct {
	Interpreter string   // MicroPython's unix port, with VfsRom; "": the one that is built in
	Image       string   // a file
	Stubs       []string // directories
	Modules     []string
	Args        []string // sys.argv[1:] of the modules
}

// Run starts the interpreter and returns what it and the modules print. The error
// of an import that fails, or of a module that is not the image's, says why.
func (c *Check) Run(ctx context.Context) (string, error) {
	info, err := os.Stat(c.Image)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "romfs-import-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	r := &run{Check: c, dir: dir, heap: 16<<20 + 2*info.Size()} // the image is read into it, which a board has in flash
	if r.image, err = filepath.Abs(c.Image); err != nil {
		return "", err
	}
	if len(c.Stubs) > 0 {
		if err := GatherStubs(filepath.Join(dir, "stubs"), c.Stubs); err != nil {
			return "", err
		}
	}
	start := r.builtIn
	if c.Interpreter != "" {
		start = r.unixPort
	}
	out, err := start(ctx)
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s\n(%w)", text, err)
	}
	return text, nil
}

// A run is a check under way.
type run struct {
	*Check
	dir   string // with the stubs, if there are any
	image string
	heap  int64
}

// args are the arguments of check.py, which finds the image and the stubs there.
func (r *run) args(image, stubs string) []string {
	if len(r.Stubs) == 0 {
		stubs = ""
	}
	return append([]string{image, stubs, strings.Join(Path(stubs != ""), ":"), strings.Join(r.Modules, ",")}, r.Args...)
}

// builtIn runs it in this process, wherever that runs.
func (r *run) builtIn(ctx context.Context) ([]byte, error) {
	return interpreter.Run(ctx, interpreter.Script{
		Code: script, Heap: r.heap, Dir: r.dir, Dirs: map[string]string{"/image": filepath.Dir(r.image)},
		Args: r.args("/image/"+filepath.Base(r.image), "/stubs"),
	})
}

// unixPort runs it in an interpreter of this machine.
func (r *run) unixPort(ctx context.Context) ([]byte, error) {
	// MicroPython keeps its arguments and the names of imported files as qstrs,
	// of 255 bytes at most, and Bazel's folders are deep: all get short names.
	if err := os.Symlink(r.image, filepath.Join(r.dir, "image")); err != nil {
		return nil, err
	}
	return Interpret(ctx, r.Interpreter, interpreter.Script{
		Code: script, Heap: r.heap, Dir: r.dir, Args: r.args("image", "stubs"),
	})
}

// Interpret runs a script in a program of this machine, which is MicroPython's
// unix port, and returns what it prints; with "" in the interpreter that is built
// in, which alone can have Script.Dirs.
func Interpret(ctx context.Context, program string, s interpreter.Script) ([]byte, error) {
	if program == "" {
		return interpreter.Run(ctx, s)
	}
	path, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	ctx, out, done := interpreter.NewOutput(ctx)
	defer done()
	args := []string{"-X", "heapsize=" + strconv.FormatInt(s.Heap, 10), "-c", s.Code}
	cmd := exec.CommandContext(ctx, path, append(args, s.Args...)...)
	cmd.Dir = s.Dir
	// It keeps sys.path as names, with the user's home in it: that nothing which is
	// measured depends on, it has one home everywhere.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MICROPYPATH=") }), "HOME=/home")
	cmd.Stdout, cmd.Stderr = out, out
	if err = cmd.Run(); ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out.Bytes(), err
}
