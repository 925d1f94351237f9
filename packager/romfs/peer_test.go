package romfs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/romfs"
)

// mpremoteJob is an image to build with mpremote: from a folder, or from a tree.
type mpremoteJob struct {
	Dir  string `json:"dir,omitempty"`
	Tree []any  `json:"tree,omitempty"`
	Out  string `json:"out"`
}

// mpremoteBuild builds all jobs in one process, with the code of the official
// mpremote.
func mpremoteBuild(tb testing.TB, jobs []mpremoteJob) {
	tb.Helper()
	input, err := json.Marshal(jobs)
	if err != nil {
		tb.Fatal(err)
	}
	lib := filepath.Join(filepath.Dir(peer.Mpremote(tb)), "..", "lib")
	cmd := exec.Command("python3", "testdata/build_images.py")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+lib, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("mpremote: %v\n%s", err, out)
	}
}

// edgeSizes are the sizes at which a length needs another byte.
var edgeSizes = []int{0, 1, 2, 3, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16370, 16375, 16379, 16380, 16381, 16382, 16383, 16384, 16385}

// randomTree makes a tree of up to limit entries. Names are at most nameMax bytes.
func randomTree(r *rand.Rand, limit, nameMax int) *romfs.Node {
	root := dir("")
	dirs := []*romfs.Node{root}
	for range r.IntN(limit + 1) {
		parent := dirs[r.IntN(len(dirs))]
		name := randomName(r, nameMax)
		if slices.ContainsFunc(parent.Children, func(c *romfs.Node) bool { return c.Name == name }) {
			continue
		}
		n := file(name, randomContent(r))
		if r.IntN(4) == 0 {
			n = dir(name)
			dirs = append(dirs, n)
		}
		parent.Children = append(parent.Children, n)
	}
	return root
}

func randomName(r *rand.Rand, longest int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+ ~@"
	n := 1 + r.IntN(12)
	if r.IntN(8) == 0 {
		n = []int{126, 127, 128, 129, 200, 255, 16382, 16383, 16384, 16385}[r.IntN(10)]
	}
	b := make([]byte, min(n, longest))
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	if s := string(b); s != "." && s != ".." {
		return s
	}
	return "dots"
}

func randomContent(r *rand.Rand) string {
	n := r.IntN(400)
	if r.IntN(3) == 0 {
		n = edgeSizes[r.IntN(len(edgeSizes))]
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func content(tb testing.TB, n *romfs.Node) []byte {
	tb.Helper()
	r, err := n.Open()
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// putTree writes a tree into a folder of the host.
func putTree(tb testing.TB, n *romfs.Node, folder string) {
	tb.Helper()
	if err := os.MkdirAll(folder, 0o777); err != nil {
		tb.Fatal(err)
	}
	for _, c := range n.Children {
		path := filepath.Join(folder, c.Name)
		if c.Dir {
			putTree(tb, c, path)
		} else if err := os.WriteFile(path, content(tb, c), 0o666); err != nil {
			tb.Fatal(err)
		}
	}
}

// listTree spells a tree for mpremote's writer, whose caller sorts.
func listTree(tb testing.TB, n *romfs.Node) []any {
	children := slices.Clone(n.Children)
	slices.SortFunc(children, func(a, b *romfs.Node) int { return strings.Compare(a.Name, b.Name) })
	list := []any{}
	for _, c := range children {
		if c.Dir {
			list = append(list, []any{c.Name, listTree(tb, c)})
		} else {
			list = append(list, []any{c.Name, fmt.Sprintf("%x", content(tb, c))})
		}
	}
	return list
}

// TestEqualsMpremote builds random trees with mpremote and with us: half from
// folders, as `mpremote romfs build --no-mpy` does, half through its writer,
// which takes names that no host's file system does.
func TestEqualsMpremote(t *testing.T) {
	t.Parallel()
	const trees = 600
	folder := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	jobs := make([]mpremoteJob, trees)
	images := make([][]byte, trees)
	for i := range jobs {
		jobs[i].Out = filepath.Join(folder, fmt.Sprint(i, ".romfs"))
		longest := 255
		if i%2 == 1 {
			longest = 1 << 20
		}
		root := randomTree(r, 25, longest)
		_, images[i] = build(t, root, romfs.Options{Dedup: false})
		if i%2 == 0 {
			jobs[i].Dir = filepath.Join(folder, fmt.Sprint(i))
			putTree(t, root, jobs[i].Dir)
		} else {
			jobs[i].Tree = append([]any{}, listTree(t, root)...)
			if len(jobs[i].Tree) == 0 {
				jobs[i].Tree, jobs[i].Dir = nil, filepath.Join(folder, fmt.Sprint(i))
				putTree(t, root, jobs[i].Dir)
			}
		}
	}
	mpremoteBuild(t, jobs)
	for i, job := range jobs {
		want, err := os.ReadFile(job.Out)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(images[i], want) {
			t.Errorf("tree %d: our image of %d bytes differs from mpremote's of %d", i, len(images[i]), len(want))
		}
	}
}

// TestEqualsMpremoteCommand does the same through the command itself.
func TestEqualsMpremoteCommand(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 4 {
		folder := filepath.Join(t.TempDir(), "src")
		root := randomTree(r, 40, 255)
		putTree(t, root, folder)
		out := folder + ".img"
		cmd := exec.Command(peer.Mpremote(t), "romfs", "--no-mpy", "-o", out, "build", folder)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("mpremote: %v\n%s", err, text)
		}
		want, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := build(t, root, romfs.Options{}); !bytes.Equal(got, want) {
			t.Errorf("tree %d: our image of %d bytes differs from mpremote's of %d", i, len(got), len(want))
		}
	}
}
