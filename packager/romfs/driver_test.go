package romfs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/vfsrom"
	"rules_romfs/packager/romfs"
)

// optionsList is every layout, with and without what it can have.
var optionsList = []romfs.Options{
	{Layout: romfs.Compact},
	{Layout: romfs.Compact, Dedup: true},
	{Layout: romfs.Stable, EraseUnit: 4096},
	{Layout: romfs.Stable, EraseUnit: 4096, MaxSize: 5000},
	{Layout: romfs.OpenMV, DirAlign: 16},
}

// decorate gives some files of a tree alignments, bulk marks and repeats.
func decorate(r *rand.Rand, n *romfs.Node, aligns []int64) {
	for i, c := range n.Children {
		decorate(r, c, aligns)
		if c.Dir {
			continue
		}
		if r.IntN(2) == 0 {
			c.Align = aligns[r.IntN(len(aligns))]
		}
		c.Bulk = r.IntN(4) == 0
		if first := n.Children[r.IntN(i+1)]; !first.Dir && r.IntN(3) == 0 {
			c.Size, c.Sum, c.Open = first.Size, first.Sum, first.Open
		}
	}
}

// TestDriverReadsImages mounts images of all layouts with MicroPython's driver,
// which must list and read exactly the tree, each file at the planned offset and
// the address that its alignment asks for.
func TestDriverReadsImages(t *testing.T) {
	t.Parallel()
	const trees = 40
	r := rand.New(rand.NewPCG(7, 8))
	var cases []vfsrom.Case
	var plans []*romfs.Plan
	var images [][]byte
	for range trees {
		root := randomTree(r, 20, 300)
		decorate(r, root, []int64{1, 2, 4, 16, 32, 64, 128, 4096})
		for _, o := range optionsList {
			p, b := build(t, root, o)
			plans, images = append(plans, p), append(images, b)
			cases = append(cases, vfsrom.Case{Image: hex.EncodeToString(b), Align: 4096})
		}
	}
	for i, got := range vfsrom.Run(t, cases, 60) {
		p := plans[i]
		if got.Died || got.Mount != 0 {
			t.Fatalf("image %d (%v): the driver died (%v) or refused it with %d", i, p.Layout, got.Died, got.Mount)
		}
		if len(got.List) != len(p.Files)+len(p.Dirs) {
			t.Errorf("image %d (%v): the driver lists %d entries, the plan %d", i, p.Layout, len(got.List), len(p.Files)+len(p.Dirs))
		}
		for _, d := range p.Dirs {
			if f := got.List["/"+d.Path]; !f.Dir || f.Size != d.Size {
				t.Errorf("image %d (%v): directory %q: the driver says %+v, the plan %d bytes", i, p.Layout, d.Path, f, d.Size)
			}
		}
		for _, want := range p.Files {
			f := got.List["/"+want.Path]
			sum := want.Node.Sum
			if f.Err != "" || f.Dir || f.Size != want.Size || f.Sum != hex.EncodeToString(sum[:]) {
				t.Errorf("image %d (%v): file %q: the driver says %+v", i, p.Layout, want.Path, f)
				continue
			}
			if want.Size == 0 {
				continue
			}
			if f.Offset != want.Offset {
				t.Errorf("image %d (%v): file %q is at %d, planned at %d", i, p.Layout, want.Path, f.Offset, want.Offset)
			}
			if want.Align > 1 && f.Offset%want.Align != 0 {
				t.Errorf("image %d (%v): file %q is at %d, which is not aligned to %d", i, p.Layout, want.Path, f.Offset, want.Align)
			}
		}
		if problems := romfs.Validate(bytes.NewReader(images[i]), int64(len(images[i]))); slices.ContainsFunc(problems, func(p romfs.Problem) bool { return p.Severity == romfs.Error }) {
			t.Errorf("image %d (%v): %v", i, p.Layout, problems)
		}
	}
}

// mutate damages a copy of an image: flipped bits, other bytes, cut or moved
// pieces, and numbers that wrap.
func mutate(r *rand.Rand, b []byte) []byte {
	b = slices.Clone(b)
	for range 1 + r.IntN(3) {
		i := 3 + r.IntN(len(b)-3)
		switch r.IntN(7) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b[i] = byte(r.IntN(8))
		case 2:
			b[i] = []byte{0, 1, 0x7f, 0x80, 0xff, '/', '.'}[r.IntN(7)]
		case 3:
			b = slices.Insert(b, i, 0x80)
		case 4:
			b[i] = byte(r.Uint32())
		case 5:
			j := i + r.IntN(min(8, len(b)-i))
			b = slices.Delete(b, i, j)
		case 6:
			n := min(1+r.IntN(12), len(b)-i)
			copy(b[3+r.IntN(len(b)-2-n):], slices.Clone(b[i:i+n]))
		}
		if len(b) < 8 {
			break
		}
	}
	return b
}

// damaged are payloads that mutation rarely finds; the second of each pair is the
// code that Validate must find in it, or "". The driver hangs on the last.
var damaged = [][2]string{
	{"05 05 01 61 02 01 78 | 05 06 01 61 02 02 79 7a", "duplicate-name"},
	{"05 05 01 61 02 01 78 | 04 08 01 61 05 04 01 62 02 00", "duplicate-name"},                // file a hides a/b
	{"04 08 01 61 05 04 01 62 02 00 | 04 08 01 61 05 04 01 63 02 00", "duplicate-name"},       // a/b hides a/c
	{"05 07 03 61 2f 62 02 01 31 | 04 09 01 61 05 05 01 62 02 01 32", "name-slash"},           // a/b before b in a
	{"04 09 01 61 05 05 01 62 02 01 32 | 05 07 03 61 2f 62 02 01 31", "name-slash"},           // and behind it
	{"04 02 01 61 | 05 07 03 61 2f 62 02 01 31", "name-slash"},                                // hidden by an empty a
	{"04 0b 03 61 2f 62 05 05 01 63 02 01 33 | 04 02 01 61", "name-slash"},                    // a directory a/b
	{"05 02 01 61 | 05 04 01 62 02 00", "no-data"},                                            // hides b in listings
	{"00 00 | 05 04 01 62 02 00", "unused-record"},                                            // hides b
	{"05 04 01 61 02 00 | 00 00 | 05 04 01 62 02 00", "unused-record"},                        // a only
	{"01 03 61 62 63 | 09 01 00 | 05 04 01 62 02 00", "unknown-kind"},                         // skipped
	{"05 0b 01 61 09 01 05 01 00 02 01 78 00", "unknown-kind"},                                // skipped in a file
	{"05 0a 01 61 05 02 01 62 02 01 78 00", "misplaced"},                                      // a file in a file
	{"05 08 01 61 02 01 78 02 01 79", "extra-data"},                                           // ignored
	{"05 06 01 61 03 02 01 00 | 05 04 01 62 02 00", ""},                                       // points to its own record
	{"05 06 01 61 03 02 08 00", ""},                                                           // to the whole payload
	{"05 06 01 61 03 02 09 00", "pointer-outside"},                                            // a byte too far
	{"05 06 01 61 03 02 81 00 | 05 04 01 62 02 00", "pointer-cut"},                            // no offset
	{"05 08 01 61 03 04 80 80 80 01 | 05 04 01 62 02 00", "pointer-cut"},                      // nor here
	{"04 02 01 61 | 05 04 00 02 01 78", "name-empty"},                                         // never found
	{"05 08 03 61 00 62 02 01 78 00", "name-nul"},                                             // never found
	{"04 07 01 61 05 05 01 62 02 00", "overrun"},                                              // a file longer than its directory
	{"05 07 01 61 02 05 78 78 78 | 05 04 01 62 02 00", "overrun"},                             // data longer than its file
	{"05 05 7f 61 02 01 78", "name-overrun"},                                                  // a name longer than its record
	{"81 80 80 80 80 80 80 80 80 05 05 01 61 02 01 78", "kind-wrap"},                          // a kind of 2^63+5
	{"05 0b 01 61 03 07 01 90 80 80 80 00 00", "pointer-outside"},                             // an offset of 2^32
	{"01 81 ff ff ff ff ff ff ff ff 75 05 05 01 61 02 01 78 00 05 04 01 61 02 00", "overrun"}, // padding of 2^64-11: back to itself
}

// damagedHeaders are whole images whose outer length the driver lets wrap.
var damagedHeaders = []string{
	"d2 cd 31 81 80 80 80 80 80 80 80 80 00 | 05 05 01 61 02 01 78",
	"d2 cd 31 83 ff ff ff ff ff ff ff ff 7f | 05 05 01 61 02 01 78",
	"d2 cd 31 81 80 80 80 80 80 80 80 80 80 07 | 05 05 01 61 02 01 78", // 2^70+7: right, after wrapping
}

// damagedImages are all of these.
func damagedImages(tb testing.TB) (images [][]byte) {
	tb.Helper()
	for _, d := range damaged {
		b := image(unhex(tb, d[0]))
		found := d[1] == ""
		for _, p := range validate(b) {
			found = found || p.Code == d[1]
		}
		if !found {
			tb.Fatalf("payload %s: no %s in %v", d[0], d[1], validate(b))
		}
		images = append(images, b)
	}
	for _, s := range damagedHeaders {
		images = append(images, unhex(tb, s))
	}
	return images
}

// TestReaderAgreesWithDriver damages images and compares every lookup. Where our
// reader finds something, the driver must find the same; where ours says "not
// found", so must the driver. Ours may refuse, with a *FormatError, what the
// driver follows out of bounds. With ROMFS_TEST_FULL set it takes 20,000 images
// instead of 1,000: minutes.
func TestReaderAgreesWithDriver(t *testing.T) {
	t.Parallel()
	mutations := 1000
	if os.Getenv("ROMFS_TEST_FULL") != "" {
		mutations = 20000
	}
	r := rand.New(rand.NewPCG(9, 10))
	var images [][]byte
	var cases []vfsrom.Case
	add := func(b []byte, paths []string) {
		images = append(images, b)
		cases = append(cases, vfsrom.Case{Image: hex.EncodeToString(b), Paths: paths})
	}
	for _, b := range damagedImages(t) {
		add(b, []string{"a", "a/b", "a/c", "b", "a/b/c", "ab", "a\x00b"})
	}
	for len(images) < mutations {
		root := dir("", file("a", "0"), file("b.py", strings.Repeat("q", r.IntN(140))), dir("d", file("a", "11"), dir("d", file("a", "222"), dir("e"))),
			file("m", "shared bytes"), file("n", "shared bytes"), dir("o", file("p", "shared bytes"), file("q", "")))
		decorate(r, root, []int64{1, 4, 16})
		p, b := build(t, root, optionsList[r.IntN(len(optionsList))])
		var paths []string
		for _, f := range p.Files {
			paths = append(paths, f.Path)
		}
		for _, d := range p.Dirs {
			paths = append(paths, d.Path)
		}
		add(mutate(r, b), append(paths, "d/a/x", "x/y", "o/p/q", "d/d"))
	}
	// Our own listing, with the entries that no listing shows.
	readers := make([]*romfs.Image, len(images))
	for i, b := range images {
		m, err := romfs.Parse(b)
		if err != nil {
			continue
		}
		readers[i] = m
		m.Walk(func(e *romfs.Entry) error {
			if p := e.Path(); fs.ValidPath(p) {
				cases[i].Paths = append(cases[i].Paths, p)
			}
			return nil
		})
	}
	lookups, refused, died := 0, 0, 0
	for i, got := range vfsrom.Run(t, cases, 5) {
		m := readers[i]
		if got.Died {
			died++
		}
		if got.Died || m == nil {
			// What ours refuses to mount, the driver may accept only where the
			// length wraps.
			if m == nil && !got.Died && got.Mount == 0 && !wraps(images[i]) {
				t.Errorf("image %x: we refuse what the driver mounts", images[i])
			}
			continue
		}
		if got.Mount != 0 {
			t.Errorf("image %x: we read what the driver refuses with %d", images[i], got.Mount)
			continue
		}
		facts := got.Paths
		for p, f := range got.List {
			facts[strings.TrimPrefix(p, "/")] = f
		}
		for p, f := range facts {
			if !fs.ValidPath(p) || p == "." { // io/fs calls the root "."
				continue
			}
			lookups++
			ours, err := look(m, p)
			var format *romfs.FormatError
			switch {
			case errors.As(err, &format):
				refused++
			case errors.Is(err, fs.ErrNotExist):
				if strings.ContainsRune(p, 0) {
					continue
				}
				if f.Err != vfsrom.NotFound {
					t.Errorf("image %x: %q: not found by us, the driver says %+v", images[i], p, f)
				}
			case err != nil:
				t.Errorf("image %x: %q: %v", images[i], p, err)
			case f.Err != "" || ours.Dir != f.Dir || ours.Size != f.Size || ours.Sum != f.Sum || !f.Dir && f.Size > 0 && ours.Offset != f.Offset:
				t.Errorf("image %x: %q: we say %+v, the driver %+v", images[i], p, ours, f)
			}
		}
	}
	t.Logf("%d images, %d lookups, %d refused by us alone, %d crashed or hung the driver", len(images), lookups, refused, died)
	if lookups < 5*len(images) || refused > lookups/4 {
		t.Errorf("%d of %d lookups refused: this proves nothing", refused, lookups)
	}
}

// look gives the driver's kind of fact.
func look(m *romfs.Image, path string) (vfsrom.Fact, error) {
	e, err := m.Lookup(path)
	if err != nil {
		return vfsrom.Fact{}, err
	}
	if e.Dir {
		return vfsrom.Fact{Dir: true, Size: e.Size}, nil
	}
	b, err := m.ReadFile(path)
	sum := sha256.Sum256(b)
	return vfsrom.Fact{Size: e.Size, Offset: e.Offset, Sum: hex.EncodeToString(sum[:])}, err
}

// wraps tells if an image's length needs more than 32 bits.
func wraps(b []byte) bool {
	for _, p := range romfs.Validate(bytes.NewReader(b), int64(len(b))) {
		if p.Code == romfs.CodeWrap {
			return true
		}
	}
	return false
}

// TestDriverReadsLargeFiles has the driver read files at the sizes where a length
// grows from three bytes to four.
func TestDriverReadsLargeFiles(t *testing.T) {
	t.Parallel()
	root := dir("")
	for i, size := range []int{1<<21 - 60, 1<<21 - 1, 1 << 21} {
		b := make([]byte, size)
		for j := 0; j < size; j += 64 {
			b[j] = byte(j>>6) + byte(i)
		}
		root.Children = append(root.Children, aligned(fmt.Sprint("model", i), string(b), 64))
	}
	p, b := build(t, root, romfs.Options{})
	path := filepath.Join(t.TempDir(), "large.romfs")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	got := vfsrom.Run(t, []vfsrom.Case{{Image: map[string]string{"file": path}, Align: 4096}}, 60)[0]
	for _, want := range p.Files {
		sum := want.Node.Sum
		if f := got.List["/"+want.Path]; f.Sum != hex.EncodeToString(sum[:]) || f.Offset%64 != 0 || f.Offset != want.Offset {
			t.Errorf("file %q: the driver says %+v, planned at %d", want.Path, f, want.Offset)
		}
	}
}
