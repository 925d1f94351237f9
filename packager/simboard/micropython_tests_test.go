//go:build linux

package simboard_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

// allTests runs every one of MicroPython's own tests below; without it it is one
// in ten of the basics, and all about imports and ROMFS.
var allTests = os.Getenv("ROMFS_FULL_SWEEP") != ""

// otherwise are the tests that print something else on a board, and why.
var otherwise = map[string]string{
	"basics/builtin_help.py": "it prints the names of a module in the order of a dictionary, which is another one's",
	"basics/sys_path.py":     "it is not for programs that come over the REPL, and says SKIP there",
	"import/import_file.py":  "it prints the host's folder, or the board's",
}

// TestMicroPythonsOwn runs MicroPython's own tests on the board, as its
// tests/run-tests.py runs them on any board, and in the interpreter alone: what they
// print is the same.
func TestMicroPythonsOwn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(filepath.Dir(filepath.Dir(peer.ManifestFile(t))), "tests")
	var names []string
	for _, pattern := range []string{"basics/*.py", "import/*.py", "extmod/vfs_rom*.py"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %d tests", pattern, err, len(found))
		}
		for i, path := range found {
			if name, err := filepath.Rel(dir, path); err == nil && (allTests || i%10 == 0 || !strings.HasPrefix(name, "basics/")) {
				names = append(names, name)
			}
		}
	}
	for part := range 2 {
		t.Run(fmt.Sprint("board", part), func(t *testing.T) {
			t.Parallel()
			b := start(t, simboard.Options{Files: filesOf(t, filepath.Join(dir, "import"))})
			h := connect(t, b)
			h.raw()
			same, passed := 0, 0
			for i, name := range names {
				if i%2 != part {
					continue
				}
				want, ok := alone(t, dir, name)
				if !ok {
					continue // not a test for the interpreter either
				}
				got := onBoard(t, h, filepath.Join(dir, name))
				if passed++; got == want {
					same++
				} else if otherwise[name] == "" {
					t.Errorf("%s: on the board\n%s\nin the interpreter alone\n%s", name, excerpt(got, want), excerpt(want, got))
				}
			}
			t.Logf("%d tests, %d of them print the same on the board", passed, same)
		})
	}
}

// alone is what a test prints in the interpreter; ok says that it ran to its end.
func alone(t *testing.T, dir, name string) (out string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), peer.MicroPython(t), "-X", "emit=bytecode", filepath.Base(name))
	cmd.Dir = filepath.Join(dir, filepath.Dir(name))
	text, err := cmd.CombinedOutput()
	return string(text), err == nil && !strings.HasPrefix(string(text), "SKIP")
}

// onBoard is what a test prints on the board, after a soft reset.
func onBoard(t *testing.T, h *host, path string) string {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h.reset()
	out, exc := h.exec(string(source))
	return strings.ReplaceAll(out+exc, "\r\n", "\n")
}

// filesOf are the files below a directory, by path.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// excerpt is where a text begins to differ from another.
func excerpt(a, b string) string {
	lines, others := strings.Split(a, "\n"), strings.Split(b, "\n")
	i := 0
	for ; i < len(lines) && i < len(others) && lines[i] == others[i]; i++ {
	}
	return strings.Join(lines[i:min(i+4, len(lines))], "\n")
}
