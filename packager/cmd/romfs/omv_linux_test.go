package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/board"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// lsROMFS is OpenMV's romfs.ls_romfs(), written from its documentation: for each
// name in /rom the low 28 bits of the file's address, its size, the first of
// 128 to 4 that divides that, and the name. A directory cannot be opened.
const lsROMFS = `
import os, uctypes
def ls_romfs():
    for name in os.listdir('/rom'):
        with open('/rom/' + name, 'rb') as f:
            address = uctypes.addressof(f) & 0xFFFFFFF
            size = len(memoryview(f))
        for n in (128, 64, 32, 16, 8, 4):
            if address % n == 0:
                print(f'addr: 0x{address:08X}  size: {size:<8}  alignment: {n:<4}  name: {name}')
                break
        else:
            print(f'addr: 0x{address:08X}  size: {size:<8}  alignment: NOT aligned name: {name}')
ls_romfs()
`

// onBoard runs code on a simulated board that has image in its first partition,
// mapped at the profile's address. It returns what the code prints and raises.
func onBoard(t *testing.T, p *board.Profile, image []byte, code string) (out, exception string) {
	t.Helper()
	o := simboard.Options{Board: p, Flash: filepath.Join(t.TempDir(), "flash"), Interpreter: peer.MicroPython(t)}
	b, err := simboard.Start(t.Context(), o) // makes the file, which begins with the partition
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	flash, err := os.OpenFile(o.Flash, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer flash.Close()
	if _, err := flash.WriteAt(image, 0); err != nil {
		t.Fatal(err)
	}
	if b, err = simboard.Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	conn, err := b.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(interface{ SetReadDeadline(time.Time) error }).SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var got []byte
	until := func(end string) string {
		t.Helper()
		one := make([]byte, 4096)
		for {
			if i := bytes.Index(got, []byte(end)); i >= 0 {
				s := string(got[:i])
				got = got[i+len(end):]
				return s
			}
			n, err := conn.Read(one)
			if got = append(got, one[:n]...); err != nil {
				t.Fatalf("waiting for %q: %v; got %q", end, err, got)
			}
		}
	}
	send := func(s string) {
		t.Helper()
		if _, err := io.WriteString(conn, s); err != nil {
			t.Fatal(err)
		}
	}
	send("\r\x03\x03\r\x01")
	until("raw REPL; CTRL-B to exit\r\n>")
	send("print('in' + ' step')\x04") // what Ctrl-C caused comes before this
	until("in step\r\n\x04\x04>")
	send(code + "\x04")
	until("OK")
	out = strings.ReplaceAll(until("\x04"), "\r\n", "\n")
	return out, until("\x04")
}

func testNode(name string, size int, align int64, children ...*romfs.Node) *romfs.Node {
	content := bytes.Repeat([]byte{'x'}, size)
	return &romfs.Node{Name: name, Dir: children != nil, Children: children, Size: int64(size), Align: align,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

func testImage(t *testing.T, o romfs.Options, nodes ...*romfs.Node) []byte {
	t.Helper()
	p, err := romfs.NewPlan(&romfs.Node{Dir: true, Children: nodes}, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func smallN6(t *testing.T) *board.Profile {
	t.Helper()
	p, err := board.Lookup("openmv-n6")
	if err == nil {
		p, err = p.WithSize("", 512<<10)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLsOMV: `ls --omv` prints, byte for byte, what OpenMV's helper prints on the
// board, at the board's own addresses: each alignment, none, the mask of 28 bits,
// an empty file, sizes of more digits than the column has, and up to a directory,
// where the helper ends with an exception.
func TestLsOMV(t *testing.T) {
	t.Parallel()
	image := testImage(t, romfs.Options{Layout: romfs.OpenMV},
		testNode("a.tflite", 5, 32), testNode("b.bin", 3, 16), testNode("c", 129, 128), testNode("odd.txt", 7, 1), testNode("odd2.txt", 7, 2),
		testNode("empty", 0, 4), testNode("d", 250_000, 64), testNode("lib", 0, 0, testNode("in", 1, 4)), testNode("hidden", 1, 4))
	want, exception := onBoard(t, smallN6(t), image, lsROMFS)
	if strings.Count(want, "\n") != 7 || !strings.Contains(want, "NOT aligned") || !strings.Contains(exception, "OSError") {
		t.Fatalf("the board prints\n%s%s", want, exception)
	}
	path := filepath.Join(t.TempDir(), "a.img")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"ls", path, "--omv", "--board", "openmv-n6"}, strings.NewReader(""), &stdout, &stderr, func(string) string { return "" })
	if code != 0 || stdout.String() != want {
		t.Errorf("exit %d\n%s, the board prints\n%s%s", code, &stdout, want, &stderr)
	}
	if !strings.Contains(stderr.String(), "lib is a directory: OpenMV's ls_romfs() ends with an exception there") {
		t.Errorf("%s", &stderr)
	}
}

// TestModelsAreAligned: on the simulated board, every model of random trees has
// an address that is a multiple of its alignment: 16 to 128, in each layout.
// With ROMFS_TEST_TREES=N, N random trees instead of 12.
func TestModelsAreAligned(t *testing.T) {
	t.Parallel()
	const walk = `
import os, uctypes
def walk(d):
    for name, kind, *_ in os.ilistdir(d):
        p = d + '/' + name
        if kind == 0x4000:
            walk(p)
        else:
            with open(p, 'rb') as f:
                print(p, uctypes.addressof(f), len(memoryview(f)))
walk('/rom')
`
	trees := 12
	if s := os.Getenv("ROMFS_TEST_TREES"); s != "" {
		var err error
		if trees, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	layouts := []romfs.Layout{romfs.Compact, romfs.Stable, romfs.OpenMV}
	r := rand.New(rand.NewPCG(41, 42))
	checked := 0
	for i := range trees {
		layout, align := layouts[i%len(layouts)], int64(16)<<(i/len(layouts)%4)
		sizes := map[string]int64{}
		nodes := alignTree(r, align, "/rom", 0, sizes)
		image := testImage(t, romfs.Options{Layout: layout, DirAlign: align}, nodes...)
		out, exception := onBoard(t, smallN6(t), image, walk)
		if exception != "" || strings.Count(out, "\n") != len(sizes) {
			t.Fatalf("tree %d, %v: %d files\n%s\n%s", i, layout, len(sizes), out, exception)
		}
		for line := range strings.Lines(out) {
			var path string
			var address, size int64
			if _, err := fmt.Sscan(line, &path, &address, &size); err != nil {
				t.Fatal(line, err)
			}
			if want, ok := sizes[path]; !ok || size != want {
				t.Errorf("tree %d, %v: %s has %d bytes, want %d", i, layout, path, size, want)
			}
			if strings.HasSuffix(path, ".tflite") {
				checked++
				if address%align != 0 {
					t.Errorf("tree %d, %v: %s lies at %#x, which is not aligned to %d", i, layout, path, address, align)
				}
			}
		}
	}
	if checked < 3*trees {
		t.Errorf("only %d models", checked)
	}
	t.Logf("%d models in %d trees", checked, trees)
}

// alignTree returns a random directory: models that are aligned, other files
// that are not, up to four levels. It notes the size of each file.
func alignTree(r *rand.Rand, align int64, dir string, depth int, sizes map[string]int64) []*romfs.Node {
	var nodes []*romfs.Node
	for i := range 4 + r.IntN(9)/(1+depth) {
		if depth < 4 && r.IntN(5) == 0 {
			name := fmt.Sprintf("d%d", i)
			nodes = append(nodes, &romfs.Node{Name: name, Dir: true, Children: alignTree(r, align, dir+"/"+name, depth+1, sizes)})
			continue
		}
		n := testNode(fmt.Sprintf("m%d.%s", i, []string{"tflite", "txt"}[r.IntN(2)]), 1+r.IntN(3000), 1)
		if strings.HasSuffix(n.Name, ".tflite") {
			n.Align, n.Bulk = align, r.IntN(2) == 0
		}
		sizes[dir+"/"+n.Name] = n.Size
		nodes = append(nodes, n)
	}
	return nodes
}
