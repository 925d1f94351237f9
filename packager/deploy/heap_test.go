//go:build linux

package deploy

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/drivers"
)

// startWords starts a simulated board with words of so many bits.
func startWords(t testing.TB, bits int, o simboard.Options) *simboard.Board {
	t.Helper()
	o.Interpreter = peer.MicroPython(t)
	if bits == 32 {
		o.Interpreter = peer.MicroPython32(t)
	}
	return deploytest.Start(t, o)
}

// TestLittleHeap deploys to boards with little free heap, where a block device
// needs a quarter of it for one block. With words of 32 bits nothing is tried
// that the board has not enough memory for. On an interpreter with words of 64
// bits all objects are twice as large; what works there is known too.
func TestLittleHeap(t *testing.T) {
	t.Parallel()
	blocks := []simboard.Partition{{Driver: "rp2", Size: 128 * kib}}
	for _, c := range []struct {
		name          string
		o             simboard.Options
		kib32, kib64  int
		missing       []string
		copiesNothing bool
	}{
		{name: "memoryview", kib32: 16, kib64: 20},
		{name: "memoryview-old", kib32: 16, kib64: 20, o: simboard.Options{Generation: simboard.Old}, copiesNothing: true},
		{name: "blocks", kib32: 16, kib64: 24, o: simboard.Options{Partitions: blocks}},
		{name: "no-deflate", kib32: 16, kib64: 20, missing: []string{"deflate"}},
		{name: "no-hashlib", kib32: 16, kib64: 20, missing: []string{"hashlib"}},
		{name: "no-modules", kib32: 16, kib64: 24, missing: []string{"select", "hashlib", "binascii", "deflate"}},
	} {
		for bits, size := range map[int]int{32: c.kib32, 64: c.kib64} {
			t.Run(fmt.Sprintf("%s-%d-%dKiB", c.name, bits, size), func(t *testing.T) {
				t.Parallel()
				o := c.o
				o.Faults.Heap, o.Faults.Missing = size*kib, c.missing
				b := startWords(t, bits, o)
				image := smallImage(t)
				r := request(t, b, image)
				r.Cache = OpenCache(t.TempDir())
				var said []string
				r.Reporter = keeping{r.Reporter, &said}
				result, err := Run(context.Background(), r)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d bytes sent for an image of %d", result.Sent, len(image))
				if !bytes.HasPrefix(b.Contents(0), image) {
					t.Error("it said done, but the flash holds something else")
				}
				if bits == 64 {
					return
				}
				// What has moved is rebuilt on the board all the same.
				r.Image = deploytest.Image(t, romfs.Options{}, map[string][]byte{"app.py": append(deploytest.Code(1, 3000), '#'), "data.bin": deploytest.Random(7, 12000)})
				if result, err = Run(context.Background(), r); err != nil {
					t.Fatal(err)
				}
				if result.Literal > 2000 && !c.copiesNothing || !bytes.HasPrefix(b.Contents(0), r.Image) {
					t.Errorf("%d bytes of an image of %d were sent", result.Literal, len(r.Image))
				}
				if strings.Contains(strings.Join(said, "\n"), "ran out of memory") {
					t.Errorf("it asked for too much: %q", said)
				}
			})
		}
	}
}

// TestNoHeapRunsOut deploys to boards of every port with little heap: what is sent fits at the
// first try, and no piece of it is smaller than what the flash takes at once. The ways to write
// that differ most are tried with more heaps, whole and in two pieces.
func TestNoHeapRunsOut(t *testing.T) {
	t.Parallel()
	type heap struct{ kib, pieces int }
	image := smallImageIn(t, 8*kib) // no flash writes more at once
	for _, d := range drivers.All() {
		heaps := []heap{{16, 2}, {32, 1}}
		switch d.Name {
		case "qemu":
			continue // nothing is written there
		case "samd51-blocks":
			heaps = []heap{{24, 2}, {32, 1}} // for a block of 8 KiB
		case drivers.Default, "rp2", "renesas-ra6":
			heaps = nil
			for _, size := range []int{16, 20, 24, 32, 40, 64} {
				heaps = append(heaps, heap{size, 1}, heap{size, 2})
			}
		}
		for _, h := range heaps {
			t.Run(fmt.Sprintf("%s-%dKiB-%d", d.Name, h.kib, h.pieces), func(t *testing.T) {
				t.Parallel()
				o := simboard.Options{Partitions: []simboard.Partition{{Driver: d.Name, Size: 128 * kib}}}
				o.Faults.Heap = h.kib * kib
				if h.pieces > 1 {
					o.Faults.Largest = h.kib * kib / h.pieces
				}
				b := startWords(t, 32, o)
				r := request(t, b, image)
				var said []string
				r.Reporter = keeping{r.Reporter, &said}
				if _, err := Run(context.Background(), r); err != nil || !boardHolds(b, 0, image) {
					t.Fatal(err)
				}
				if v := b.Stats().Violations; len(v) > 0 {
					t.Errorf("the flash does not bear it: %v", v)
				}
				if strings.Contains(strings.Join(said, "\n"), "ran out of memory") {
					t.Errorf("it asked for too much: %q", said)
				}
			})
		}
	}
}

// TestTooLittleHeap: who has less memory than it takes is told so, and nothing half
// is there.
func TestTooLittleHeap(t *testing.T) {
	t.Parallel()
	for name, driver := range map[string]string{"any": "", "2 KiB at once": "renesas-ra6"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := simboard.Options{Partitions: []simboard.Partition{{Driver: driver, Size: 128 * kib}}}
			o.Faults.Heap = 8 * kib
			b := startWords(t, 32, o)
			_, err := Run(context.Background(), request(t, b, smallImageIn(t, 2*kib)))
			const want = "; 16 KiB of free heap are enough: have boot.py take less"
			if err == nil || !strings.Contains(err.Error(), "too little memory") || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if bytes.HasPrefix(b.Contents(0), []byte(romfs.Magic)) {
				t.Error("half an image is there")
			}
		})
	}
}

// TestBeyond16MiB32 deploys to a 24 MiB partition of a board with words of 32
// bits, whose memoryviews have no slices from 16 MiB on, and changes its end.
func TestBeyond16MiB32(t *testing.T) {
	t.Parallel()
	b := startWords(t, 32, simboard.Options{Partitions: []simboard.Partition{{Size: 24 << 20, Erase: 64 * kib}}})
	big := bytes.Repeat([]byte("16 MiB and more "), (17<<20)/16)
	for range 2 {
		image := deploytest.Image(t, romfs.Options{}, map[string][]byte{"big": big})
		result, err := Run(context.Background(), request(t, b, image))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b.Contents(0), image) {
			t.Error("the flash holds something else")
		}
		t.Logf("%d of %d blocks, %d bytes on the link", result.Changed, result.Blocks, result.Sent)
		big[len(big)-1] = '!'
	}
}
