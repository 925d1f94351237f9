//go:build linux

package deploy

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/deploy/flash"
	"rules_romfs/packager/simboard"
)

// TestTransfer deploys one image over another, and holds what that took against
// what was said before.
func TestTransfer(t *testing.T) {
	t.Parallel()
	old := benchImage(t, 0, 0)
	for name, id := range map[string]string{"any block": "openmv-n6", "a sector at once": "weact-h743", "a block device": "esp32", "pages that are programmed once": "renesas-ra", "rows that a write erases": "samd"} {
		for what, image := range map[string][]byte{"grown": benchImage(t, 10, 0), "edited": benchImage(t, 0, 1)} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				profile, err := board.Lookup(id)
				if err != nil {
					t.Fatal(err)
				}
				sized := *profile
				sized.Partitions = slices.Clone(profile.Partitions[:1])
				sized.Partitions[0].Size = cmp.Or(sized.Partitions[0].Size, 1<<20)
				profile = &sized
				ctx := context.Background()
				b := deploytest.Start(t, simboard.Options{Board: profile})
				r := request(t, b, old)
				r.Board, r.Cache = profile, OpenCache(t.TempDir())
				if _, err := Run(ctx, r); err != nil {
					t.Fatal(err)
				}
				r.Image = image
				took, err := Run(ctx, r)
				if err != nil {
					t.Fatal(err)
				}
				part, err := profile.Partition("")
				if err != nil {
					t.Fatal(err)
				}
				geo := flash.Of(flash.Facts{Kind: part.Segment, Size: took.Size, Erase: part.Erase, Profile: part})
				var differs []int64
				for i := int64(0); i*geo.Block() < int64(len(image)); i++ {
					from := i * geo.Block()
					to := min(from+geo.Block(), int64(len(image)))
					if to > int64(len(old)) || string(old[from:to]) != string(image[from:to]) {
						differs = append(differs, i)
					}
				}
				said, err := EstimateTransfer(ctx, geo, old, image, differs, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				if said.Sent != took.Literal || said.Copied != took.Copied {
					t.Errorf("%+v was said, and it took %d bytes sent, %d copied, %d blocks erased", said, took.Literal, took.Copied, took.Erased)
				}
			})
		}
	}
}
