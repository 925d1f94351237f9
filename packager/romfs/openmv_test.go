package romfs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"rules_romfs/packager/romfs"
)

// patterned is the content that testdata/openmv_reference.py gives a file.
func patterned(size int) string {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return string(b)
}

// A referenceJob is a tree for that generator, which shares nothing with this
// package.
type referenceJob struct {
	Tree     []any `json:"tree"`
	DirAlign int64 `json:"dir_align"`
}

// referenceTree makes a tree of files at the sizes where lengths grow, as nodes
// and as the generator takes it.
func referenceTree(r *rand.Rand, depth int, aligns []int64) ([]*romfs.Node, []any) {
	var nodes []*romfs.Node
	list := []any{}
	for i := range r.IntN(7) {
		name := fmt.Sprintf("%c%d%s", 'a'+r.IntN(26), i, strings.Repeat("n", []int{0, 3, 124, 125, 126, 127, 128}[r.IntN(7)]*r.IntN(2)))
		if depth > 0 && r.IntN(4) == 0 {
			inner, innerList := referenceTree(r, depth-1, aligns)
			nodes, list = append(nodes, dir(name, inner...)), append(list, []any{name, innerList})
			continue
		}
		size := r.IntN(300)
		if r.IntN(2) == 0 {
			size = edgeSizes[r.IntN(len(edgeSizes))]
		}
		align := aligns[r.IntN(len(aligns))]
		nodes, list = append(nodes, aligned(name, patterned(size), align)), append(list, []any{name, size, align})
	}
	return nodes, list
}

// TestOpenMVReference compares layout openmv with an independent generator that
// was written from the documented byte rules: flat and with directories, at
// alignments from 4 to 128, empty files, label files and sizes up to 2 MiB.
func TestOpenMVReference(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(21, 22))
	var jobs []referenceJob
	var got []string
	add := func(nodes []*romfs.Node, list []any, dirAlign int64) {
		p, b := build(t, dir("", nodes...), romfs.Options{Layout: romfs.OpenMV, DirAlign: dirAlign})
		sum := sha256.Sum256(b)
		jobs, got = append(jobs, referenceJob{list, dirAlign}), append(got, fmt.Sprint(hex.EncodeToString(sum[:]), " ", p.Size))
		readableByOpenMV(t, b)
	}
	for _, most := range []int64{4, 16, 32, 64, 128} {
		var aligns []int64
		for a := int64(4); a <= most; a *= 2 {
			aligns = append(aligns, a)
		}
		for i := range 120 {
			nodes, list := referenceTree(r, i%2*3, aligns)
			add(nodes, list, most)
		}
	}
	add([]*romfs.Node{aligned("model.tflite", patterned(1<<21), 32), aligned("model.txt", patterned(11), 4), aligned("next.tflite", patterned(1<<21-40), 16)},
		[]any{[]any{"model.tflite", 1 << 21, 32}, []any{"model.txt", 11, 4}, []any{"next.tflite", 1<<21 - 40, 16}}, 32)
	input, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-B", "testdata/openmv_reference.py")
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(want) != len(got) {
		t.Fatalf("%d images, the generator made %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("tree %d %v: %s, the generator %s", i, jobs[i], got[i], want[i])
		}
	}
}

// TestOpenMVByHand are images written out by hand: no program made them.
func TestOpenMVByHand(t *testing.T) {
	for _, tc := range []struct {
		name string
		root *romfs.Node
		want string
	}{
		{
			// 75 bytes, an odd number, less 16. The model's content is at 48, where 33
			// would be the first place; that of the labels at 72 instead of 69.
			"model and labels", dir("", aligned("m.lite", "MODEL", 16), file("m.txt", "cat")),
			"d2 cd 31 80 80 80 80 80 80 80 80 80 80 80 80 3b" +
				"05 80 80 80 80 80 80 1d | 06 6d 2e 6c 69 74 65 | 02 80 80 80 80 80 80 80 80 80 80 80 80 80 80 80 05 | 4d 4f 44 45 4c" +
				"05 80 80 80 80 80 80 0e | 05 6d 2e 74 78 74 | 02 80 80 80 03 | 63 61 74",
		},
		{
			"an empty file", dir("", file("e", "")),
			"d2 cd 31 80 80 80 80 80 80 80 80 80 80 80 80 0c | 05 80 80 80 80 80 80 04 | 01 65 | 02 00",
		},
		{
			// The directory's content is at 32, the board's largest alignment, though
			// nothing in it asks for more than 4. The file's content needs no filler.
			"a directory", dir("", dir("d", file("a", "1"))),
			"d2 cd 31 80 80 80 80 80 80 80 80 80 80 80 80 1d" +
				"04 80 80 80 80 80 80 80 80 80 80 80 80 0f | 01 64 | 05 80 80 80 80 80 80 05 | 01 61 | 02 01 31",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, got := build(t, tc.root, romfs.Options{Layout: romfs.OpenMV, DirAlign: 32})
			if want := unhex(t, tc.want); !bytes.Equal(got, want) {
				t.Errorf("image\n% x, want\n% x", got, want)
			}
		})
	}
}

// readableByOpenMV walks the raw records of an image and demands that there be
// nothing that one of OpenMV's tools cannot read: directories hold files and
// directories, a file holds its name and one data record up to its end, and
// nothing else. So there are no pointers, and no padding but in lengths.
func readableByOpenMV(t *testing.T, b []byte) {
	t.Helper()
	number := func(at int) (int, int) {
		n := 0
		for ; b[at] >= 0x80; at++ {
			n = n<<7 | int(b[at]&0x7f)
		}
		return n<<7 | int(b[at]), at + 1
	}
	if n, at := number(3); string(b[:3]) != romfs.Magic || at != 16 || at+n != len(b) {
		t.Fatalf("an outer record of %d bytes from %d, in an image of %d", n, at, len(b))
	}
	var walk func(at, end int)
	walk = func(at, end int) {
		for at < end {
			kind, start := b[at], at
			n, body := number(at + 1)
			name, rest := number(body)
			at = body + n
			if rest += name; at > end || rest > at {
				t.Fatalf("the record at %d leaves its parent", start)
			}
			switch kind {
			case 4:
				walk(rest, at)
			case 5:
				if body-start != 8 {
					t.Fatalf("the file at %d has a header of %d bytes", start, body-start)
				}
				size, data := number(rest + 1)
				if b[rest] != 2 || data+size != at {
					t.Fatalf("the file at %d holds more than one data record", start)
				}
			default:
				t.Fatalf("a record of kind %d at %d", kind, start)
			}
		}
	}
	walk(16, len(b))
}

// TestReadOpenMV: an image as OpenMV's builders write it has no errors, though
// its size is odd, its header long and its order no order.
func TestReadOpenMV(t *testing.T) {
	_, b := build(t, dir("", file("z", "12"), file("a", "1"), file("m.txt", "cat")), romfs.Options{Layout: romfs.OpenMV})
	if len(b)%2 == 0 {
		t.Fatalf("%d bytes are even", len(b))
	}
	var found []string
	for _, p := range romfs.Validate(bytes.NewReader(b), int64(len(b))) {
		if p.Severity == romfs.Error {
			t.Error(p)
		}
		found = append(found, p.Code)
	}
	if want := []string{romfs.CodeOddSize, romfs.CodeLongHeader}; fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", found, want)
	}
}
