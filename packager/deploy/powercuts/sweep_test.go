//go:build linux

package powercuts

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/simboard/drivers"
	"rules_romfs/packager/simboard/flashsim"
)

// unswept are the drivers that are in no flavour, and why.
var unswept = map[string]string{
	"qemu": "nothing writes it",
}

// TestFlavours checks that no driver is forgotten.
func TestFlavours(t *testing.T) {
	t.Parallel()
	for _, d := range drivers.All() {
		swept := slices.ContainsFunc(deploytest.Flavours, func(f deploytest.Flavour) bool { return f.Driver == d.Name })
		if why := unswept[d.Name]; swept == (why != "") {
			t.Errorf("%s: swept: %t, and left out because %q", d.Name, swept, why)
		}
	}
}

// cuts returns where a step is cut: before it, in the middle, and in it with
// undefined bits. Steps that touch the header are torn byte by byte and bit by
// bit too.
func cuts(log *flashsim.Log, step int) []flashsim.Cut {
	s := &log.Steps[step]
	seed := 4 * uint64(step+1)
	if !deploytest.Full && s.Offset >= 64 && len(log.Steps) > manySteps && step%4 > 0 {
		return []flashsim.Cut{{Step: step}}
	}
	c := []flashsim.Cut{{Step: step}, {Step: step, Bytes: s.Size / 2}, {Step: step, Bytes: s.Size / 4, Seed: seed + uint64(step)%4}}
	if deploytest.Full || s.Offset == 0 {
		for i := range uint64(4) { // each of the states of a torn erase
			c = append(c, flashsim.Cut{Step: step, Bytes: s.Size / 3, Seed: seed + i}, flashsim.Cut{Step: step, Seed: seed + i})
		}
		for at := int64(1); at < s.Size && at < 48; at++ {
			c = append(c, flashsim.Cut{Step: step, Bytes: at})
		}
	}
	if s.Kind == flashsim.Program && s.Offset == 0 {
		for at := range min(s.Size, 48) {
			for bits := 1; bits <= 8; bits++ {
				c = append(c, flashsim.Cut{Step: step, Bytes: at, Bits: bits})
			}
		}
		for seed := range uint64(400) {
			c = append(c, flashsim.Cut{Step: step, Seed: 1000 + seed})
		}
	}
	return c
}

// manySteps is from how many steps on only each fourth of those behind the header
// is torn inside.
const manySteps = 1500

// recorded deploys the old image, then the new one, and returns what the second
// deploy did to the flash.
func recorded(t testing.TB, f *deploytest.Flavour) (log *flashsim.Log, older, newer []byte, cache *deploy.Cache) {
	older, newer = f.Image(t, false), f.Image(t, true)
	b := deploytest.Start(t, f.Options())
	cache = deploy.OpenCache(t.TempDir())
	r := request(t, b, older)
	r.Board, r.Cache = f.Board(t), cache
	if _, err := deploy.Run(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	b.RecordFlash()
	r.Image = newer
	result, err := deploy.Run(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if result.Healed {
		t.Error("the first writing was wrong")
	}
	if v := b.Stats().Violations; len(v) > 0 {
		t.Errorf("the flash does not bear it: %v", v)
	}
	t.Logf("%d of %d blocks changed, %d bytes sent, %d copied", result.Changed, result.Blocks, result.Literal, result.Copied)
	return b.FlashLog(), older, newer, cache
}

// sweep cuts the power at every step of a deploy and returns how many cuts
// were tried, and those after which the board mounts something that is neither
// the old image nor the new one; enough of these end it.
func sweep(t testing.TB, d *driver, f *deploytest.Flavour, log *flashsim.Log, older, newer []byte, enough int) (tried int, states map[string]flashsim.Cut, bad []flashsim.Cut) {
	fine := map[string]string{
		d.mounts(t, older, len(older)): "old",
		d.mounts(t, newer, len(newer)): "new",
		strings.Repeat("-", 64):        "none",
	}
	seen, mounted := map[string]int{}, map[string]string{}
	states = map[string]flashsim.Cut{}
	replay := flashsim.NewReplayer(log, nil)
	touched := 0
	for _, s := range log.Steps {
		touched = max(touched, int(min(s.Offset+s.Size, deploytest.PartSize)))
	}
	d.stale = true // of what lies behind that
	for step := range log.Steps {
		for _, c := range cuts(log, step) {
			flash := replay.At(c)[:deploytest.PartSize]
			tried++
			state := fmt.Sprintf("%08x%08x", crc32.ChecksumIEEE(flash[:touched]), crc32.Checksum(flash[:touched], castagnoli))
			states[state] = c
			if _, known := mounted[state]; !known {
				undo := as32(flash)
				mounted[state] = d.mounts(t, flash, touched)
				undo()
			}
			what, ok := fine[mounted[state]]
			if !ok {
				bad = append(bad, c)
			}
			if len(bad) >= enough {
				return tried, states, bad
			}
			seen[what]++
		}
	}
	t.Logf("%s: %d flash steps, %d cuts tried, %d different states: %d mount the old image, %d nothing, %d the new one",
		f.Name, len(log.Steps), tried, len(states), seen["old"], seen["none"], seen["new"])
	if seen["old"] == 0 || seen["none"] == 0 {
		t.Errorf("the sweep saw %v: it did not cut everywhere", seen)
	}
	return tried, states, bad
}

// castagnoli, beside the other one, tells states of the flash apart: both are computed by
// the processor, which SHA-256 is not fast enough for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// TestPowerCuts cuts a deploy over an old image at every flash step.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	for _, f := range deploytest.Flavours {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			log, older, newer, cache := recorded(t, &f)
			_, states, bad := sweep(t, startDriver(t), &f, log, older, newer, 20)
			for _, c := range bad {
				t.Errorf("after a cut at %v the board mounts half an image", c)
			}
			repair(t, &f, log, states, newer, cache)
		})
	}
}

// TestSweepNoticesCarelessCommits shows that the sweep fails when the commit is
// the first page or the first block, written last: as it is if the profile calls
// NOR flash one whose words, of that size, are programmed once, and the image was
// not built for that.
func TestSweepNoticesCarelessCommits(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]int64{"page": 256, "block": 4 * deploytest.KiB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := deploytest.Flavours[0]
			f.Profile.Medium, f.Profile.Write, f.Unit = board.ECC, word, 4
			log, older, newer, _ := recorded(t, &f)
			tried, _, bad := sweep(t, startDriver(t), &f, log, older, newer, 1)
			if len(bad) == 0 {
				t.Errorf("%d cuts, and none was noticed", tried)
			}
			t.Logf("the cut number %d leaves half an image: %v", tried, bad)
		})
	}
}

// TestSweepNoticesAnotherPort shows that the sweep fails on a port whose write
// path is another port's: SAMD51's flash, where each write erases and programs a
// whole block, behind firmware that says it is stm32 with serial flash.
func TestSweepNoticesAnotherPort(t *testing.T) {
	t.Parallel()
	f := deploytest.Flavours[0]
	f.Driver, f.As, f.Small = "samd51", "stm32-qspi", true
	f.Profile.Erase = 8 * deploytest.KiB
	log, older, newer, _ := recorded(t, &f)
	tried, _, bad := sweep(t, startDriver(t), &f, log, older, newer, 1)
	if len(bad) == 0 {
		t.Errorf("%d cuts, and none was noticed", tried)
	}
	t.Logf("the cut number %d leaves half an image: %v", tried, bad)
}

// repair deploys to boards that were cut.
func repair(t *testing.T, f *deploytest.Flavour, log *flashsim.Log, states map[string]flashsim.Cut, newer []byte, cache *deploy.Cache) {
	keys := slices.Sorted(maps.Keys(states))
	n := 6
	if deploytest.Full {
		n = min(len(keys), 200)
	}
	for i := range n {
		c := states[keys[i*len(keys)/n]]
		flash := filepath.Join(t.TempDir(), "flash")
		if err := os.WriteFile(flash, flashsim.Replay(log, c), 0o600); err != nil {
			t.Fatal(err)
		}
		o := f.Options()
		o.Flash = flash
		b := deploytest.Start(t, o)
		r := request(t, b, newer)
		r.Board, r.Cache = f.Board(t), cache
		result, err := deploy.Run(context.Background(), r)
		b.Close()
		if err != nil {
			t.Errorf("the deploy after a cut at %v: %v", c, err)
			continue
		}
		got, err := os.ReadFile(flash)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(got, newer) {
			t.Errorf("the deploy after a cut at %v (%s) did not bring the image", c, result.Status)
		}
	}
	t.Logf("repaired after %d of %d states", n, len(keys))
}
