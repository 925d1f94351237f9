//go:build linux

package deploy

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// startBoard32 starts a simulated board with words of 32 bits.
func startBoard32(t testing.TB, o simboard.Options) *simboard.Board {
	t.Helper()
	o.Interpreter = peer.MicroPython32(t)
	return start(t, o)
}

// TestLittleHeap deploys to boards with words of 32 bits and 16 KiB of free heap,
// where a block device needs a quarter of it for one block.
func TestLittleHeap(t *testing.T) {
	t.Parallel()
	blocks := []simboard.Partition{{Size: 128 * kib, Erase: 4 * kib, Write: 256, BlockDevice: true}}
	for _, c := range []struct {
		name    string
		o       simboard.Options
		kib     int
		missing []string
	}{
		{name: "memoryview", kib: 16},
		{name: "memoryview-old", kib: 16, o: simboard.Options{Generation: simboard.Old}},
		{name: "blocks", kib: 16, o: simboard.Options{Partitions: blocks}},
		{name: "no-deflate", kib: 16, missing: []string{"deflate"}},
		{name: "no-hashlib", kib: 16, missing: []string{"hashlib"}},
		{name: "no-modules", kib: 16, missing: []string{"select", "hashlib", "binascii", "deflate"}},
	} {
		t.Run(fmt.Sprintf("%s-%dKiB", c.name, c.kib), func(t *testing.T) {
			t.Parallel()
			c.o.Faults.Heap, c.o.Faults.Missing = c.kib*kib, c.missing
			b := startBoard32(t, c.o)
			image := smallImage(t)
			r := request(t, b, image)
			r.Cache = OpenCache(t.TempDir())
			result, err := Run(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes sent for an image of %d", result.Sent, len(image))
			if !bytes.HasPrefix(b.Contents(0), image) {
				t.Error("it said done, but the flash holds something else")
			}
			if c.o.Generation == simboard.Old || c.missing != nil {
				return
			}
			// What has moved is rebuilt on the board all the same.
			r.Image = build(t, romfs.Options{}, map[string][]byte{"app.py": append(code(1, 3000), '#'), "data.bin": random(7, 12000)})
			if result, err = Run(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			if result.Literal > 2000 || !bytes.HasPrefix(b.Contents(0), r.Image) {
				t.Errorf("%d bytes of an image of %d were sent", result.Literal, len(r.Image))
			}
		})
	}
}

// TestBeyond16MiB32 deploys to a 24 MiB partition of a board with words of 32
// bits, whose memoryviews have no slices from 16 MiB on, and changes its end.
func TestBeyond16MiB32(t *testing.T) {
	t.Parallel()
	b := startBoard32(t, simboard.Options{Partitions: []simboard.Partition{{Size: 24 << 20, Erase: 64 * kib, Write: 4}}})
	big := bytes.Repeat([]byte("16 MiB and more "), (17<<20)/16)
	for range 2 {
		image := build(t, romfs.Options{}, map[string][]byte{"big": big})
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
