//go:build unix

package manifest

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/manifest/internal/code"
)

func TestDirPlan(t *testing.T) {
	root := writeTree(t, "app/src/main.py", "app/src/app.py", "app/src/both.py", "app/src/both.mpy", "app/src/lib/main.py", "app/src/lib/both.mpy",
		"app/src/.hidden/.x", "app/src/__pycache__/a.pyc", "app/src/empty/", "app/src/a~", "app/src/id_rsa", "app/src/.py",
		"app/src/link.txt -> ../../outside.txt", "app/src/dir -> ../../more", "outside.txt", "more/m.py")
	dir := filepath.Join(root, "app/src")
	p, warns, err := DirPlan(context.Background(), dir, DirOptions{Compile: true, Board: "openmv-n6", Partition: "1", BoardAlign: []BoardAlign{{Match: "*.txt", To: 32}}, Allow: []LintCode{code.LintCase}})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`dir .hidden <- .hidden by directory
file .hidden/.x <- .hidden/.x by directory
file .py <- .py by directory
dir __pycache__ <- __pycache__ by directory
file __pycache__/a.pyc <- __pycache__/a.pyc by directory
file app.mpy <- app.py by directory; mpy {SourceName:app.py$} (defaults)
file a~ <- a~ by directory
file both.mpy <- both.mpy by directory
file both.py <- both.py by directory (its .mpy is there too)
dir dir <- dir by directory
file dir/m.mpy <- dir/m.py by directory; mpy {SourceName:dir/m.py$} (defaults)
dir empty <- empty by directory
file id_rsa <- id_rsa by directory
dir lib <- lib by directory
file lib/both.mpy <- lib/both.mpy by directory
file lib/main.mpy <- lib/main.py by directory; mpy {SourceName:lib/main.py$} (defaults)
file link.txt <- link.txt by directory; align 32 (board openmv-n6 (*.txt))
file main.py <- main.py by directory (keep_source: main.py)
`, "$", " Optimize:0 Emit:bytecode Arch:none ArchFlags:[] SmallIntBits:0")
	if d := cmp.Diff(want, explain(p)); d != "" {
		t.Error(d)
	}
	if p.Name != "src" || p.Board != "openmv-n6" || p.Partition != "1" || p.Layout != "compact" || p.Manifest != "" {
		t.Errorf("%+v", p)
	}
	var told []string
	for _, w := range warns {
		told = append(told, strings.TrimPrefix(w.String(), dir+": "))
	}
	if d := cmp.Diff([]string{
		`"both.mpy" is never imported: the .py beside it wins; exclude one of them [py-and-mpy]`,
		`"id_rsa" looks like a key or a password, and is packed; move it out of the directory, or build from a manifest, which leaves it out (romfs init) [secret]`,
	}, told); d != "" {
		t.Error(d)
	}

	_, warns, err = DirPlan(context.Background(), writeTree(t, "lib/.git/config", "lib/KEY.PEM", "lib/key.txt"), DirOptions{})
	if err != nil || len(warns) != 2 || warns[0].Code != code.LintGit || warns[1].Code != code.LintSecret {
		t.Error(warns, err)
	}

	p, _, err = DirPlan(context.Background(), dir, DirOptions{Name: "x", Layout: "openmv"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Entries {
		if e.MPY != nil || e.Kind == File && e.Align != 4 {
			t.Errorf("%+v", e)
		}
	}
}

func TestDirPlanErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		tree []string
		want string
	}{
		{"broken link", []string{"src/a -> gone"}, "src/a: the symbolic link is broken; remove it"},
		{"a link to itself", []string{"src/a -> a"}, "src/a: the symbolic link leads back to itself; remove it"},
		{"a loop of directories", []string{"src/d/up -> .."}, "src/d/up: the symbolic link leads to a directory that holds it; remove it"},
		{"a loop outside", []string{"src/d -> ../e", "e/f/up -> .."}, "src/d/f/up: the symbolic link leads to a directory that holds it; remove it"},
		{"not UTF-8", []string{"src/\xff"}, "src/\xff: cannot be packed: the name is no UTF-8, and MicroPython cannot list the directory then; rename it"},
		{"all at once", []string{"src/a -> gone", "src/b -> b"}, "src/a: the symbolic link is broken; remove it\nsrc/b: the symbolic link leads back to itself; remove it"},
	} {
		root := writeTree(t, c.tree...)
		_, _, err := DirPlan(context.Background(), filepath.Join(root, "src"), DirOptions{})
		if err == nil {
			t.Errorf("%s: no error", c.name)
		} else if got := strings.ReplaceAll(err.Error(), root+"/", ""); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}

	root := writeTree(t, "src/", "file")
	for path, want := range map[string]string{"gone": "gone: cannot be read: no such file or directory", "file": "file: is no directory"} {
		_, _, err := DirPlan(context.Background(), filepath.Join(root, path), DirOptions{})
		if err == nil || strings.ReplaceAll(err.Error(), root+"/", "") != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	_, _, err := DirPlan(context.Background(), filepath.Join(root, "src"), DirOptions{Outputs: []string{filepath.Join(root, "src.romfs"), filepath.Join(root, "src", "x.romfs")}})
	if err == nil || strings.ReplaceAll(err.Error(), root+"/", "") != "src/x.romfs: the build writes this file into the directory that it packs; choose an output outside of it with -o" {
		t.Error(err)
	}
}

func TestFIFO(t *testing.T) {
	root := writeTree(t, "src/a")
	if err := syscall.Mkfifo(filepath.Join(root, "src/pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := DirPlan(context.Background(), filepath.Join(root, "src"), DirOptions{})
	if err == nil || err.Error() != filepath.Join(root, "src/pipe")+": it is a FIFO, socket or device, and cannot be packed; remove it" {
		t.Error(err)
	}
	if _, err := Load(filepath.Join(root, "src/pipe")); err == nil || !strings.HasSuffix(err.Error(), "is no regular file") {
		t.Error(err)
	}
	m, err := Parse([]byte(head+"files:\n  - src: src/**\n"), filepath.Join(root, "romfs.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Resolve(context.Background(), m, nil, ResolveOptions{}); err == nil || !strings.HasSuffix(err.Error(), `"src/pipe" is a FIFO, socket or device, and cannot be packed; exclude it`) {
		t.Error(err)
	}
}
