//go:build linux

package deploy

import (
	"bytes"
	"context"
	"errors"
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

// TestEveryBoard walks all profiles: deploy, query, pull, verify, then another
// image with a backup of the first, and again each of these. Boards that are
// read-only refuse the deploys and read.
func TestEveryBoard(t *testing.T) {
	t.Parallel()
	for _, p := range board.Builtin() {
		for i := range p.Partitions {
			t.Run(p.ID+"-"+p.Partitions[i].Name, func(t *testing.T) {
				t.Parallel()
				walk(t, p, i)
			})
		}
	}
}

func walk(t *testing.T, p *board.Profile, i int) {
	for k := range p.Partitions {
		if p.Partitions[k].Size == 0 { // a family's
			var err error
			if p, err = p.WithSize(p.Partitions[k].Name, 64*kib); err != nil {
				t.Fatal(err)
			}
		}
	}
	part := &p.Partitions[i]
	image := func(seed uint64) []byte {
		o := romfs.Options{WriteUnit: part.TornUnit(), EraseUnit: part.Erase, DirAlign: p.MaxAlign(), MaxSize: part.Size}
		return deploytest.Image(t, o, map[string][]byte{"app.py": deploytest.Code(seed, 3000), "data": deploytest.Random(seed, 9000)})
	}
	b := deploytest.Start(t, simboard.Options{Board: p})
	r := request(t, b, image(1))
	r.Board, r.Partition, r.OtherCore, r.Cache = p, part.Name, true, OpenCache(t.TempDir())
	dir := t.TempDir()
	for n := range 2 {
		r.Image, r.Backup = image(uint64(n+1)), filepath.Join(dir, "backup")
		var said []string
		r.Reporter = keeping{r.Reporter, &said}
		if part.ReadOnly {
			var refused *IncompatibleError
			if _, err := Run(context.Background(), r); !errors.As(err, &refused) {
				t.Fatalf("deploy: %v, wanted a refusal", err)
			}
			b.Load(i, r.Image)
			b.Reset()
			os.Remove(r.Backup)
		} else if result, err := Run(context.Background(), r); err != nil || result.Healed || result.Erased == 0 && part.Medium != board.MRAM {
			t.Fatalf("deploy: %v, %+v", err, result)
		}
		if n > 0 && !part.ReadOnly {
			if saved, err := os.ReadFile(r.Backup); err != nil || !bytes.Equal(saved, image(1)) {
				t.Errorf("the backup: %d bytes, %v", len(saved), err)
			}
		}
		if v := b.Stats().Violations; len(v) > 0 {
			t.Errorf("the flash does not bear it: %v", v)
		}
		seen(t, b, p, i, r.Image)
		r.Backup = ""
		if result, err := Run(context.Background(), r); err != nil || result.Status != Unchanged {
			t.Errorf("the same again: %v", err)
		}
		r.VerifyOnly = true
		if result, err := Run(context.Background(), r); err != nil || result.Status != Verified {
			t.Errorf("verify: %v", err)
		}
		r.VerifyOnly = false
	}
}

// seen queries and pulls, and wants image.
func seen(t *testing.T, b *simboard.Board, p *board.Profile, i int, image []byte) {
	t.Helper()
	ctx := context.Background()
	q, err := Ask(ctx, &port.Opener{}, b.Addr(), p, OpenCache(""), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Partitions[i].Image; got != int64(len(image)) {
		t.Errorf("query: an image of %d bytes instead of %d (head %s)", got, len(image), q.Partitions[i].Head)
	}
	pulled, err := Pull(ctx, &port.Opener{}, b.Addr(), p, p.Partitions[i].Name, report.Discard())
	if err != nil || !bytes.Equal(pulled, image) {
		t.Errorf("pulled %d bytes of %d: %v", len(pulled), len(image), err)
	}
}
