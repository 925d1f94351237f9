package transform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/child"
	"rules_romfs/internal/placeholder"
	"rules_romfs/manifest"
)

// convert makes the output, by the tool's function or its executable.
func (j *Job) convert(ctx context.Context, source []byte, inputs []input) ([]byte, error) {
	if j.Tool.builtin != nil {
		content, err := j.Tool.builtin(source, j.Args)
		if err != nil {
			return nil, &RunError{Where: j.Where, Tool: j.Tool.Name, Reason: err}
		}
		return content, nil
	}
	d, err := newDirectory()
	if err != nil {
		return nil, err
	}
	defer d.remove()
	if err := d.put(j.Name, source); err != nil {
		return nil, err
	}
	for i, f := range j.Inputs {
		if err := d.put(f.Name, inputs[i].data); err != nil {
			return nil, err
		}
	}
	printed, err := d.run(ctx, j.Tool, j.expand())
	if err == nil {
		var content []byte
		if content, err = d.output(j.made()); err == nil {
			return content, nil
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, &RunError{Where: j.Where, Tool: j.Tool.Name, Reason: err, Output: printed}
}

// Names in the directory of a run. The working directory is work, which holds
// the source and inputs alone, so that no name of theirs can be in the way.
const (
	workDir = "work"
	outDir  = "out"
	homeDir = "home"
	tempDir = "tmp"
)

// expand returns the arguments without placeholders.
func (j *Job) expand() []string {
	args := make([]string, len(j.Args))
	for i, a := range j.Args {
		t, err := placeholder.Parse(a)
		if err != nil {
			args[i] = a // the manifest's check has passed it: a board's argument without placeholders
			continue
		}
		args[i] = t.Expand(j.value)
	}
	return args
}

func (j *Job) value(name string) string {
	switch name {
	case "in":
		return operand(j.Name)
	case "out":
		return filepath.Join("..", outDir, j.Output)
	case "outdir":
		return filepath.Join("..", outDir)
	case "name":
		return j.Name
	case "stem":
		return manifest.Stem(j.Name)
	}
	for i, f := range j.Inputs {
		if name == fmt.Sprintf("inputs[%d]", i) {
			return operand(f.Name)
		}
	}
	return "{" + name + "}" // checked when the manifest was read
}

// operand keeps a file's name from being taken for an option.
func operand(name string) string {
	if strings.HasPrefix(name, "-") {
		return "." + string(filepath.Separator) + name
	}
	return name
}

// made are the places where the output may be afterwards, from the directory's
// top: the first is the right one of those that exist.
func (j *Job) made() []string {
	if j.Tool.made != nil {
		var all []string
		for _, name := range j.Tool.made(j.Name) {
			all = append(all, filepath.Join(outDir, filepath.FromSlash(name)))
		}
		return all
	}
	for _, a := range j.Args {
		if t, err := placeholder.Parse(a); err == nil && slices.Contains(t.Names(), "out") {
			return []string{filepath.Join(outDir, j.Output)}
		}
	}
	return []string{filepath.Join(workDir, j.Output)}
}

// A directory is where one run happens.
type directory struct {
	path string
	root *os.Root // follows no link out of it
}

func newDirectory() (*directory, error) {
	path, err := os.MkdirTemp("", "romfs-transform-")
	if err != nil {
		return nil, err
	}
	// Modes are set by name, since a umask may take even our own rights.
	if err := os.Chmod(path, 0o700); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	d := &directory{path, root}
	for _, name := range []string{workDir, outDir, homeDir, tempDir} {
		if err := errors.Join(root.Mkdir(name, 0o700), root.Chmod(name, 0o700)); err != nil {
			d.remove()
			return nil, err
		}
	}
	return d, nil
}

// remove deletes the directory, also where the tool has taken rights away.
func (d *directory) remove() {
	d.root.Close()
	if os.RemoveAll(d.path) == nil {
		return
	}
	filepath.WalkDir(d.path, func(path string, e fs.DirEntry, err error) error {
		if e != nil && e.IsDir() && os.Chmod(path, 0o700) != nil {
			return fs.SkipDir
		}
		return nil
	})
	os.RemoveAll(d.path)
}

// put makes a file for the tool to read. It is a copy, which it may write to.
func (d *directory) put(name string, data []byte) error {
	name = filepath.Join(workDir, name)
	return errors.Join(d.root.WriteFile(name, data, 0o600), d.root.Chmod(name, 0o600))
}

// maxWritten bounds each file that a tool writes, its own temporary ones too: a
// defect of it is not to fill the disk.
const maxWritten = 4 * maxFile

// run runs the tool and returns the last of what it printed.
func (d *directory) run(ctx context.Context, t *Tool, args []string) (string, error) {
	cmd := child.Command(ctx, t.Path, args...)
	cmd.Dir = filepath.Join(d.path, workDir)
	cmd.Env = append(slices.Clone(t.env), d.environment()...)
	var printed tail
	cmd.Stdout, cmd.Stderr = &printed, &printed
	child.LimitFiles(cmd, maxWritten)
	err := cmd.Run()
	child.EndGroup(cmd)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has ended well, and something that it started had not
	}
	return printed.String(), err
}

// environment are the variables that name the directory.
func (d *directory) environment() []string {
	home, temp := filepath.Join(d.path, homeDir), filepath.Join(d.path, tempDir)
	return []string{"HOME=" + home, "USERPROFILE=" + home, "TMPDIR=" + temp, "TMP=" + temp, "TEMP=" + temp}
}

// output reads what the tool has made, which is in one of several places.
func (d *directory) output(places []string) ([]byte, error) {
	name := places[0]
	for _, p := range places[1:] {
		if _, err := d.root.Lstat(name); err == nil {
			break
		}
		name = p
	}
	info, err := d.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("it ended without an error, but made no %s%s", filepath.Base(places[0]), d.instead(filepath.Dir(places[0])))
	case err != nil:
		return nil, fmt.Errorf("its output %s cannot be read: %w", filepath.Base(name), bare(err))
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("its output %s is a symbolic link; a transform makes a file", filepath.Base(name))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("its output %s is no regular file (%s)", filepath.Base(name), info.Mode().Type())
	case info.Size() > maxFile:
		return nil, fmt.Errorf("its output %s has %d bytes, more than the %d that a transform may make", filepath.Base(name), info.Size(), maxFile)
	}
	if err := d.root.Chmod(name, 0o600); err != nil { // its umask may have taken our right to read
		return nil, bare(err)
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	return io.ReadAll(f)
}

// instead names what is there in place of the output.
func (d *directory) instead(dir string) string {
	entries, err := os.ReadDir(filepath.Join(d.path, dir))
	if err != nil || len(entries) == 0 {
		return ""
	}
	var names []string
	for _, e := range entries[:min(len(entries), maxNames)] {
		names = append(names, e.Name())
	}
	return fmt.Sprintf("; there is only %s: name the file that it makes in output", strings.Join(names, ", "))
}

// bare drops the path of a system error: it is that of a directory that no
// longer exists when somebody reads of it.
func bare(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// A tail keeps the end of what is written to it.
type tail struct{ b []byte }

// Bounds of what is kept and shown of a tool's messages.
const (
	tailBytes = 4 << 10
	tailLines = 12
)

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 2*tailBytes {
		t.b = append(t.b[:0], t.b[len(t.b)-tailBytes:]...)
	}
	return len(p), nil
}

// String returns the last lines.
func (t *tail) String() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.b[max(0, len(t.b)-tailBytes):]), "?"))
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
