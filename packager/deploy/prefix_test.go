//go:build linux

package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"strings"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// meddling is a Reporter that does something as soon as writing begins.
type meddling struct {
	report.Reporter
	meddle func()
}

func (m meddling) Task(name string, total int64, unit report.Unit) report.Task {
	if strings.HasSuffix(name, ": writing") {
		m.meddle()
	}
	return m.Reporter.Task(name, total, unit)
}

// TestKeptTail deploys an image of which only the beginning changed to firmware
// that erases from the start only, and the erase changes what it should keep.
func TestKeptTail(t *testing.T) {
	t.Parallel()
	const size = 256 * kib
	for _, c := range []struct {
		name   string
		erases int64        // of the board, where the profile says 4 KiB
		meddle func([]byte) // changes the flash behind what is erased
		pieces int          // of the heap, for which the prefix is too large
		least  int64        // of the image must be sent, at least and at most
		most   int64
		times  int // that something is erased
	}{
		{name: "kept", erases: 4 * kib, least: 1, most: 8 * kib, times: 2},
		{name: "cleared", erases: 64 * kib, least: 50 * kib, most: 72 * kib, times: 1},
		{name: "cleared, no room for it", erases: 64 * kib, pieces: 8 * kib, least: 50 * kib, most: 72 * kib, times: 1},
		{name: "changed", erases: 4 * kib, meddle: func(b []byte) { b[100_000] ^= 0x10 }, least: 90_000, most: 110_000, times: 2 + 25},
		{name: "changed, cleared", erases: 16 * kib, meddle: func(b []byte) { b[50_000] ^= 0x10 }, least: 48 * kib, most: 72 * kib, times: 1 + 4},
		{name: "erased", erases: 4 * kib, meddle: func(b []byte) { copy(b[100*kib:], bytes.Repeat([]byte{0xff}, 4*kib)) }, least: 4 * kib, most: 12 * kib, times: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := simboard.Options{Generation: simboard.Old, Partitions: []simboard.Partition{{Size: size, Erase: c.erases}}}
			if c.pieces > 0 {
				o.Faults.Heap, o.Faults.Largest = 64*kib, c.pieces
			}
			b := deploytest.Start(t, o)
			files := map[string][]byte{"app.py": deploytest.Code(1, 3000), "z.bin": deploytest.Random(2, 150_000)}
			old := deploytest.Image(t, romfs.Options{}, files)
			b.Load(0, old)
			files["app.py"] = append(deploytest.Code(3, 1500), files["app.py"][1500:]...)
			image := deploytest.Image(t, romfs.Options{}, files)
			r := request(t, b, image)
			r.Cache = OpenCache(t.TempDir())
			if err := r.Cache.put(sha256.Sum256(old), old, nil); err != nil {
				t.Fatal(err)
			}
			r.Board = &board.Profile{ID: "test", Partitions: []board.Partition{{
				Name: "romfs0", Size: size, Segment: board.Memoryview, Medium: board.NOR, Erase: 4 * kib, Write: 4,
			}}}
			if c.meddle != nil {
				r.Reporter = meddling{r.Reporter, func() {
					flash := b.Contents(0)
					c.meddle(flash)
					b.Load(0, flash)
				}}
			}
			b.ResetStats()
			result, err := Run(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(b.Contents(0), image) || result.Healed {
				t.Errorf("the flash holds something else, or was wrong at first: %+v", result)
			}
			if result.Literal < c.least || result.Literal > c.most {
				t.Errorf("%d bytes of the image were sent, not %d to %d", result.Literal, c.least, c.most)
			}
			if room := c.pieces == 0; room != (result.Copied > 0) {
				t.Errorf("%d bytes were copied", result.Copied)
			}
			if n := b.Stats().Erases; n > c.times {
				t.Errorf("%d blocks were erased, not %d", n, c.times)
			}
			if v := b.Stats().Violations; len(v) > 0 {
				t.Errorf("violations: %v", v)
			}
		})
	}
}
