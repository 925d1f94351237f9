package pack

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/romfs"
)

// mpremoteImages builds the image of each directory with mpremote's own
// packer, all in one process: a process for each would take minutes.
func mpremoteImages(t *testing.T, dirs []string) []string {
	t.Helper()
	lib := filepath.Join(filepath.Dir(filepath.Dir(peer.Mpremote(t))), "lib")
	const program = `
import contextlib, io, sys
from mpremote.romfs import make_romfs
for path in sys.stdin.read().split("\0"):
    with contextlib.redirect_stdout(io.StringIO()):
        image = make_romfs(path + "/", mpy_cross=None)
    with open(path + ".want", "wb") as f:
        f.write(image)
`
	cmd := exec.Command("python3", "-c", program)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+lib, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin = strings.NewReader(strings.Join(dirs, "\x00"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mpremote's make_romfs: %v\n%s", err, out)
	}
	var images []string
	for _, d := range dirs {
		images = append(images, d+".want")
	}
	return images
}

// sizes are those where a length needs one more byte, and their neighbours,
// with the heads of a record before them.
var sizes = []int{0, 1, 2, 100, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 16370, 16375, 16378, 16380, 16382, 16383, 16384, 16385}

// randomTree fills dir with what a seed gives: nested, empty and long-named
// files and directories.
func randomTree(t *testing.T, dir string, rng *rand.Rand, depth int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._- "
	for range rng.IntN(6) {
		length := 1 + rng.IntN(12)
		if rng.IntN(8) == 0 {
			length = 100 + rng.IntN(156) // to 255, the most that file systems take
		}
		name := make([]byte, length)
		for i := range name {
			name[i] = letters[rng.IntN(len(letters))]
		}
		path := filepath.Join(dir, "x"+string(name[1:])) // never "." or ".."
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		if rng.IntN(3) == 0 && depth > 0 {
			randomTree(t, path, rng, depth-1)
			continue
		}
		size := sizes[rng.IntN(len(sizes))]
		content := make([]byte, size)
		if size > 0 && rng.IntN(3) > 0 { // else zeros, so that contents repeat
			for i := range content {
				content[i] = byte(rng.Uint32())
			}
		}
		write(t, path, string(content))
	}
}

// TestDirectoriesEqualMpremote: a plain directory gives mpremote's bytes. With
// ROMFS_TEST_TREES=N, N random trees instead of 150.
func TestDirectoriesEqualMpremote(t *testing.T) {
	t.Parallel()
	n := 150
	if s := os.Getenv("ROMFS_TEST_TREES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	top := t.TempDir()
	var dirs []string
	for seed := range n {
		dir := filepath.Join(top, strconv.Itoa(seed), "tree")
		randomTree(t, dir, rand.New(rand.NewPCG(uint64(seed), 1)), 4)
		dirs = append(dirs, dir)
	}
	examples, err := filepath.Glob(filepath.Join(peer.Root(t), "examples", "*", "README.md"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for i, readme := range examples {
		e := filepath.Dir(readme)
		dir := filepath.Join(top, "example", strconv.Itoa(i))
		copyFiles(t, dir, e)
		dirs = append(dirs, dir)
	}
	for i, want := range mpremoteImages(t, dirs) {
		want, err := os.ReadFile(want)
		if err != nil {
			t.Fatal(err)
		}
		o := options(t, dirs[i])
		o.Compile = new(false)
		_, got, s := build(t, o)
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: %d bytes, mpremote has %d; the first difference is at %d", dirs[i], len(got), len(want), firstDifference(got, want))
		}
		if s.Image.Size != int64(len(want)) {
			t.Errorf("%s: the sidecar says %d bytes", dirs[i], s.Image.Size)
		}
	}
}

// copyFiles copies directories and files, and not the links that Bazel leaves
// in a workspace.
func copyFiles(t *testing.T, to, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() && !d.Type().IsRegular() {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o777)
		}
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(target, b, 0o666)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func firstDifference(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// TestMpremoteCommand holds the whole command against ours once.
func TestMpremoteCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	write(t, filepath.Join(tree, "lib", "m.py"), "A=1\n")
	write(t, filepath.Join(tree, ".hidden"), "x")
	write(t, filepath.Join(tree, "t"), "hi")
	if err := os.Mkdir(filepath.Join(tree, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("t", filepath.Join(tree, "link")); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, "want.romfs")
	if out, err := exec.Command(peer.Mpremote(t), "romfs", "--no-mpy", "--output", want, "build", tree).CombinedOutput(); err != nil {
		t.Fatalf("mpremote: %v\n%s", err, out)
	}
	expected, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, tree)
	o.Compile = new(false)
	if _, got, _ := build(t, o); !bytes.Equal(got, expected) {
		t.Errorf("got  % x\nwant % x", got, expected)
	}
}

// TestMPYEqualsCompiler: every .mpy in an image is what the official compiler
// makes of its source under its own name.
func TestMPYEqualsCompiler(t *testing.T) {
	t.Parallel()
	_, image, s := build(t, options(t, example(t)))
	parsed, err := romfs.Parse(image)
	if err != nil {
		t.Fatal(err)
	}
	compiled := 0
	for _, f := range s.Files {
		if f.Kind != artifact.KindMPY {
			continue
		}
		compiled++
		source, err := os.ReadFile(filepath.Join(filepath.Dir(example(t)), filepath.FromSlash(f.Source)))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir() // may be too deep for a name that mpy-cross takes
		write(t, filepath.Join(dir, "in.py"), string(source))
		cmd := exec.Command(peer.MpyCross(t), "-s", strings.TrimSuffix(f.Path, ".mpy")+".py", "-o", "out.mpy", "in.py")
		cmd.Dir = dir
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("mpy-cross: %v\n%s", err, msg)
		}
		want, err := os.ReadFile(filepath.Join(dir, "out.mpy"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := parsed.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what mpy-cross makes of its source", f.Path)
		}
		if f.SourceSHA256 == nil || f.SourceSHA256.String() == f.SHA256.String() {
			t.Errorf("%s: the sidecar does not tell source and content apart", f.Path)
		}
	}
	if compiled != 10 {
		t.Errorf("%d files were compiled, want all 10 but main.py and the test", compiled)
	}
}

// TestExampleOnMicroPython mounts the weather station with the real driver,
// reads every file and runs the application.
func TestExampleOnMicroPython(t *testing.T) {
	t.Parallel()
	_, image, s := build(t, options(t, example(t)))
	dir := t.TempDir()
	path := filepath.Join(dir, "image")
	write(t, path, string(image))
	parsed, err := romfs.Parse(image)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	err = fs.WalkDir(parsed, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			content, _ := parsed.ReadFile(name)
			fmt.Fprintf(&want, "%s %x\n", name, sha(content))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Files {
		if strings.Contains(f.Path, "_test") {
			t.Errorf("%s is in the image", f.Path)
		}
	}
	program := `
import hashlib, os, sys, uctypes, vfs
# A buffer of our own, at an address that is a multiple of 64 as a partition's.
data = open(sys.argv[1], "rb").read()
room = bytearray(len(data) + 64)
skip = -uctypes.addressof(room) % 64
flash = memoryview(room)[skip:skip + len(data)]
flash[:] = data
vfs.mount(vfs.VfsRom(flash), "/rom")
def walk(path):
    for name, mode, *_ in sorted(os.ilistdir("/rom/" + path)):
        name = path + "/" + name if path else name
        if mode == 0x4000:
            walk(name)
        else:
            with open("/rom/" + name, "rb") as f:
                print(name, hashlib.sha256(f.read()).digest().hex())
walk("")
with open("/rom/assets/dewpoint.bin", "rb") as f:
    print("aligned", uctypes.addressof(memoryview(f)) % 16 == 0)
sys.path[:] = ["/rom", "/rom/lib"]
import weather
for name in ("app", "config", "dewpoint", "forecast", "resource", "drivers", "drivers.bme280", "drivers.simulated"):
    __import__("weather." + name)
from weather import app
app.run(4)
`
	// The last lines are the application's, worked out by hand from the Magnus
	// formula (rounded to the table's steps) and the barometric one.
	want.WriteString(`aligned True
Roof
 18.0 C   55.0 %  1015.1 hPa  dew point   8.8 C  too early to say
 17.8 C   56.5 %  1014.7 hPa  dew point   9.0 C  too early to say
 17.5 C   58.0 %  1014.2 hPa  dew point   9.1 C  steady
 17.3 C   59.5 %  1013.7 hPa  dew point   9.6 C  steady
`)
	out, err := runMicroPython(t, program, path)
	if err != nil {
		t.Fatalf("micropython: %v\n%s", err, out)
	}
	if string(out) != want.String() {
		t.Errorf("got:\n%s\nwant:\n%s", out, want.String())
	}
}

// TestNestedImageMounts: an image in an image keeps the alignment of what is
// inside, and the driver mounts it from there.
func TestNestedImageMounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "common", "romfs.yaml"), `
version: 1
name: common
align: [{match: "*.bin", to: 64}]
files: [{src: ["*.bin", "*.py"]}]
`)
	write(t, filepath.Join(dir, "common", "a.bin"), "aligned to 64")
	write(t, filepath.Join(dir, "common", "mod.py"), "value = 42\n")
	write(t, filepath.Join(dir, "app", "romfs.yaml"), `
version: 1
name: app
files:
  - {src: text.txt}
  - {image: ../common/romfs.yaml, dest: parts/common.romfs}
`)
	write(t, filepath.Join(dir, "app", "text.txt"), "odd")
	_, image, s := build(t, options(t, filepath.Join(dir, "app", "romfs.yaml")))
	if s.Align != 64 {
		t.Errorf("the image's own alignment is %d, want the nested one's 64", s.Align)
	}
	nested := s.Files[0]
	if nested.Path != "parts/common.romfs" || nested.Kind != artifact.KindImage || nested.Source != "../common/romfs.yaml" || nested.SourceSHA256 != nil || nested.Offset%64 != 0 {
		t.Errorf("nested file: %+v", nested)
	}
	path := filepath.Join(dir, "image")
	write(t, path, string(image))
	program := `
import sys, uctypes, vfs
data = open(sys.argv[1], "rb").read()
room = bytearray(len(data) + 64)
flash = memoryview(room)[-uctypes.addressof(room) % 64:]
flash[:len(data)] = data
vfs.mount(vfs.VfsRom(flash), "/rom")
vfs.mount(vfs.VfsRom(open("/rom/parts/common.romfs", "rb")), "/common")
sys.path[:] = ["/common"]
import mod
f = open("/common/a.bin", "rb")
print(mod.value, uctypes.addressof(memoryview(f)) % 64, f.read())
`
	out, err := runMicroPython(t, program, path)
	if err != nil || string(out) != "42 0 b'aligned to 64'\n" {
		t.Errorf("micropython: %v\n%s", err, out)
	}
}

// TestNestedImageStreams: what a nested image streams into its parent is the
// image itself.
func TestNestedImageStreams(t *testing.T) {
	t.Parallel()
	im, want, _ := build(t, options(t, example(t)))
	r := im.reader()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("streamed %d bytes, %v; want %d", len(got), err, len(want))
	}
}

// runMicroPython runs a program with the name of an image as its argument. The
// interpreter takes no path of more than 255 bytes, and a sandbox may have a
// deeper folder: it runs where the image is.
func runMicroPython(t *testing.T, program, image string) ([]byte, error) {
	t.Helper()
	cmd := exec.Command(peer.MicroPython(t), "-c", program, filepath.Base(image))
	cmd.Dir = filepath.Dir(image)
	return cmd.CombinedOutput()
}
