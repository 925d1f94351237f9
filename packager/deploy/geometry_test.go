//go:build linux

package deploy

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/simboard"
)

// TestFirmwareKnowsItsUnit deploys to firmware that writes more bytes at a time
// than is known: an empty partition, over an image, and again.
func TestFirmwareKnowsItsUnit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		driver  string
		old     bool
		profile *board.Profile
		says    string
	}{
		"no profile":      {"stm32-internal-h5", false, nil, "by 16 bytes, not by 4 as is usual"},
		"no profile, old": {"stm32-internal-h5", true, nil, "by 16 bytes, not by 4 as is usual"},
		"wrong profile": {"stm32-internal-f4", false, &board.Profile{ID: "mine", Partitions: []board.Partition{{Name: "romfs0", Medium: board.NOR, Write: 4}}},
			"by 16 bytes, not by 4 as the profile of mine says"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := deploytest.Flavour{Driver: c.driver, As: deploytest.NoPort, Old: c.old}
			b := deploytest.Start(t, f.Options())
			for _, grown := range []bool{false, true} {
				r := request(t, b, f.Image(t, grown))
				r.Board = c.profile
				var said []string
				r.Reporter = keeping{r.Reporter, &said}
				result, err := Run(context.Background(), r)
				if err != nil || result.Healed || !boardHolds(b, 0, r.Image) {
					t.Fatal(err)
				}
				if all := strings.Join(said, "\n"); !strings.Contains(all, c.says) {
					t.Errorf("it said %q, not %q", all, c.says)
				}
			}
		})
	}
}

// TestReadOnly: what cannot be written is refused before anything, and what
// writes nothing works.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	qemu, err := board.Lookup("qemu-an385")
	if err != nil {
		t.Fatal(err)
	}
	f := deploytest.Flavour{Driver: "qemu"}
	old, next := f.Image(t, false), f.Image(t, true)
	unknown := deploytest.Flavour{Driver: "qemu", As: deploytest.NoPort}
	little := unknown.Options()
	little.Faults.Heap = 48 * kib
	for name, c := range map[string]struct {
		o       simboard.Options
		profile *board.Profile
		dry     bool // a dry run knows it too
		says    string
	}{
		"profile":          {simboard.Options{Board: qemu}, qemu, true, "-device loader,file=IMAGE,addr=0x21000000"},
		"port":             {f.Options(), nil, true, "-device loader,file=IMAGE,addr="},
		"op 3 and 6 do so": {unknown.Options(), nil, false, "cannot write partition 0"},
		// A block takes several frames there, the first of which only bring bytes.
		"so does a little board": {little, nil, false, "cannot write partition 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, there := range [][]byte{old, nil} {
				b := deploytest.Start(t, c.o)
				b.Load(0, there)
				for _, dry := range []bool{true, false} {
					r := request(t, b, next)
					r.Board, r.DryRun = c.profile, dry
					r.Cache = OpenCache(t.TempDir())
					if err := r.Cache.put(sha256.Sum256(old), old, nil); err != nil {
						t.Fatal(err)
					}
					result, err := Run(context.Background(), r)
					var refused *IncompatibleError
					switch {
					case dry && !c.dry:
						if err != nil {
							t.Error(err)
						}
					case !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says):
						t.Errorf("dry: %t: %v, %+v: wanted a refusal that says %q", dry, err, result, c.says)
					}
				}
				if there == nil {
					continue
				}
				r := request(t, b, old)
				r.Board = c.profile
				if result, err := Run(context.Background(), r); err != nil || result.Status != Unchanged {
					t.Errorf("unchanged: %v", err)
				}
				r.Image, r.VerifyOnly = next, true
				var differs *VerifyError
				if _, err := Run(context.Background(), r); !errors.As(err, &differs) {
					t.Errorf("verify: %v", err)
				}
			}
		})
	}
}
