//go:build linux

package deploy

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// TestWideHeadersAreReadBack deploys to every board whose flash has ECC, where the
// header of an image fills a write unit, and does with it whatever reads it.
func TestWideHeadersAreReadBack(t *testing.T) {
	t.Parallel()
	type place struct {
		profile *board.Profile
		part    board.Partition
	}
	var places []place
	for _, unit := range []int64{16, 32, 64} {
		part := board.Partition{Name: "romfs0", Size: 1 << 18, Erase: 4096, Write: unit, Medium: "ecc", Segment: "memoryview"}
		places = append(places, place{&board.Profile{ID: fmt.Sprintf("words-of-%d", unit), Partitions: []board.Partition{part}}, part})
	}
	for _, p := range board.Builtin() {
		for _, part := range p.Partitions {
			if part.Medium == "ecc" && part.Size > 0 {
				places = append(places, place{p, part})
			}
		}
	}
	for _, c := range places {
		t.Run(c.profile.ID, func(t *testing.T) {
			t.Parallel()
			b := deploytest.Start(t, simboard.Options{Board: c.profile})
			image := func(seed uint64) []byte {
				return deploytest.Image(t, romfs.Options{WriteUnit: c.part.Write}, map[string][]byte{"app.py": deploytest.Code(seed, 3000), "data": deploytest.Random(seed, 9000)})
			}
			old, next := image(1), image(2)
			r := request(t, b, old)
			r.Board = c.profile
			if _, err := Run(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			readBack(t, b, c.profile, old)
			r.VerifyOnly = true
			if _, err := Run(context.Background(), r); err != nil {
				t.Error(err)
			}
			r.VerifyOnly, r.Image = false, next
			r.Backup = filepath.Join(t.TempDir(), "old.romfs")
			if _, err := Run(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			if saved, err := os.ReadFile(r.Backup); err != nil || !bytes.Equal(saved, old) {
				t.Errorf("the backup: %d bytes, %v", len(saved), err)
			}
			readBack(t, b, c.profile, next)
		})
	}
}

// readBack queries and pulls, and wants image.
func readBack(t *testing.T, b *simboard.Board, profile *board.Profile, image []byte) {
	t.Helper()
	ctx := context.Background()
	q, err := Ask(ctx, &port.Opener{}, b.Addr(), profile, OpenCache(""), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Partitions[0].Image; got != int64(len(image)) {
		t.Errorf("query: an image of %d bytes instead of %d (head %s)", got, len(image), q.Partitions[0].Head)
	}
	pulled, err := Pull(ctx, &port.Opener{}, b.Addr(), profile, "0", report.Discard())
	if err != nil || !bytes.Equal(pulled, image) {
		t.Errorf("pulled %d bytes of %d: %v", len(pulled), len(image), err)
	}
}

// TestHeaderOfAnyWidth reads images whose length is padded far beyond what any
// layout does: the driver mounts them.
func TestHeaderOfAnyWidth(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"stm32-qspi", "rp2"} {
		for _, width := range []int{64, 65, 700, 4000} {
			t.Run(fmt.Sprintf("%d-%s", width, driver), func(t *testing.T) {
				t.Parallel()
				plain := deploytest.Image(t, romfs.Options{}, map[string][]byte{"a": deploytest.Random(1, 300)})
				image := append([]byte(romfs.Magic), bytes.Repeat([]byte{0x80}, width)...)
				image = append(image, plain[len(romfs.Magic):]...)
				b := deploytest.Start(t, simboard.Options{Partitions: []simboard.Partition{{Driver: driver, Size: 1 << 18}}})
				b.Load(0, image)
				readBack(t, b, nil, image)
			})
		}
	}
}
