//go:build linux

package deploy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/board"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// fullSweep makes the power-cut sweep try every kind of cut at every flash step,
// and repair after many of them. It takes about an hour on two cores. Without
// it a deploy is cut at every flash step too, but in fewer ways.
var fullSweep = os.Getenv("ROMFS_FULL_SWEEP") != ""

// A flavour is one kind of firmware and flash.
type flavour struct {
	name    string
	part    simboard.Partition
	old     bool         // firmware up to 1.28
	medium  board.Medium // of the profile; empty: deployed without one
	erase   int64        // of the profile
	write   int64        // of the profile; 0: the right one
	segment board.SegmentKind
	layout  romfs.Layout
}

const kib = 1 << 10

var flavours = []flavour{
	{name: "memoryview", part: simboard.Partition{Size: 128 * kib, Erase: 4 * kib, Write: 4}, medium: "nor", erase: 4 * kib},
	{name: "memoryview-unknown-board", part: simboard.Partition{Size: 128 * kib, Erase: 4 * kib, Write: 4}},
	{name: "memoryview-old", part: simboard.Partition{Size: 128 * kib, Erase: 4 * kib, Write: 4}, old: true, medium: "nor", erase: 4 * kib},
	{name: "memoryview-old-unknown-board", part: simboard.Partition{Size: 128 * kib, Erase: 4 * kib, Write: 4}, old: true},
	{name: "memoryview-old-stable", part: simboard.Partition{Size: 128 * kib, Erase: 4 * kib, Write: 4}, old: true, medium: "nor", erase: 4 * kib, layout: romfs.Stable},
	{name: "memoryview-old-coarse", part: simboard.Partition{Size: 128 * kib, Erase: 16 * kib, Write: 4}, old: true, medium: "nor", erase: 4 * kib, layout: romfs.Stable},
	{name: "blocks", part: simboard.Partition{Size: 128 * kib, Erase: 4 * kib, Write: 256, BlockDevice: true}, medium: "nor", erase: 4 * kib, segment: "blockdev"},
	{name: "sectors", part: simboard.Partition{Size: 128 * kib, Erase: 64 * kib, Write: 16}, medium: "nor", erase: 64 * kib},
	{name: "ecc32", part: simboard.Partition{Size: 128 * kib, Erase: 128 * kib, Write: 32, Medium: simboard.ECC}, medium: "ecc", erase: 128 * kib, layout: romfs.Stable},
	{name: "ecc32-compact", part: simboard.Partition{Size: 128 * kib, Erase: 128 * kib, Write: 32, Medium: simboard.ECC}, medium: "ecc", erase: 128 * kib},
	{name: "ecc16-old", part: simboard.Partition{Size: 128 * kib, Erase: 8 * kib, Write: 16, Medium: simboard.ECC}, old: true, medium: "ecc", erase: 8 * kib, layout: romfs.Stable},
	{name: "mram", part: simboard.Partition{Size: 128 * kib, Erase: 16, Write: 16, Medium: simboard.MRAM}, medium: "mram", erase: 1},
	{name: "mram-old", part: simboard.Partition{Size: 128 * kib, Erase: 16, Write: 16, Medium: simboard.MRAM}, old: true, medium: "mram", erase: 1},
}

// options returns the board that has this flavour.
func (f *flavour) options() simboard.Options {
	o := simboard.Options{Partitions: []simboard.Partition{f.part}}
	if f.old {
		o.Generation = simboard.Old
	}
	return o
}

// profile returns what the deploy knows of the board.
func (f *flavour) profile() *board.Profile {
	if f.medium == "" {
		return nil
	}
	segment, write := cmp.Or(f.segment, board.Memoryview), cmp.Or(f.write, f.part.Write)
	return &board.Profile{ID: "test", Partitions: []board.Partition{{
		Name: "romfs0", Size: f.part.Size, Erase: f.erase, Write: write, Medium: f.medium, Segment: segment,
	}}}
}

// image builds the image that is deployed, or the one before: its code is ten
// bytes shorter, so that everything behind it moves.
func (f *flavour) image(t testing.TB, grown bool) []byte {
	app := code(1, 6000)
	if grown {
		app = append(app, "# changed\n"...)
	}
	o := romfs.Options{Layout: f.layout, EraseUnit: f.erase, MaxSize: f.part.Size}
	if f.part.Medium == simboard.ECC {
		o.WriteUnit = f.part.Write
	}
	return build(t, o, map[string][]byte{"app.py": app, "z.bin": random(2, f.bulk()), "b.py": code(3, 3000)})
}

// bulk is the size of the image's large file. Media that are programmed in
// small units take many more steps for as many bytes.
func (f *flavour) bulk() int {
	if f.part.Write <= 32 && f.part.Medium != simboard.NOR && !fullSweep {
		return 8000
	}
	return 40000
}

// as32 returns flash with the length in its header as a 32-bit board reads it:
// the driver on this machine has 64-bit words, in which the same bytes may be
// another number. The width stays.
func as32(flash []byte) []byte {
	if !bytes.HasPrefix(flash, []byte(romfs.Magic)) {
		return flash
	}
	end := len(romfs.Magic)
	var n uint32
	for ; end < len(flash); end++ {
		n = n<<7 | uint32(flash[end]&0x7f)
		if flash[end] < 0x80 {
			break
		}
	}
	if end == len(flash) {
		return flash
	}
	flash = bytes.Clone(flash)
	for i := end; i >= len(romfs.Magic); i-- {
		flash[i] = byte(n&0x7f) | flash[i]&0x80
		n >>= 7
	}
	return flash
}

// A driver is MicroPython's own VfsRom, asked what it makes of the contents of
// a partition.
type driver struct {
	in  io.WriteCloser
	out io.Reader
	cmd *exec.Cmd
}

const driverSource = `
import sys, vfs, hashlib
i = sys.stdin.buffer
def walk(fs, path, h):
    for e in fs.ilistdir(path):
        name = path + "/" + e[0]
        if e[1] == 0x4000:
            h.update("D" + name + "\0")
            walk(fs, name, h)
        else:
            h.update("F%s\0%d\0" % (name, e[3]))
            with fs.open(name, "rb") as f:
                h.update(f.read())
while True:
    n = int.from_bytes(i.read(4), "little")
    if n == 0:
        break
    b = i.read(n)
    try:
        fs = vfs.VfsRom(b)
        h = hashlib.sha256()
        walk(fs, "", h)
        r = "".join("%02x" % x for x in h.digest())
    except OSError:
        r = "-" * 64
    except Exception:
        r = "!" * 64
    sys.stdout.write(r)
`

func startDriver(t testing.TB) *driver {
	d := &driver{}
	d.start(t)
	t.Cleanup(d.stop)
	return d
}

func (d *driver) start(t testing.TB) {
	d.cmd = exec.Command(peer.MicroPython(t), "-X", "heapsize=64m", "-c", driverSource)
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if d.out, err = d.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (d *driver) stop() {
	d.in.Close()
	d.cmd.Wait() // with an error, if the driver crashed
}

// mounts returns a digest of everything in the file system, dashes if nothing
// mounts, or what went wrong: of half an image the driver may read far beyond
// the end, and crash.
func (d *driver) mounts(t testing.TB, flash []byte) string {
	t.Helper()
	// It may also read in circles.
	stuck := time.AfterFunc(20*time.Second, func() { d.cmd.Process.Kill() })
	defer stuck.Stop()
	_, err := d.in.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(flash))), flash...))
	var b [64]byte
	if err == nil {
		_, err = io.ReadFull(d.out, b[:])
	}
	if err != nil {
		d.stop()
		d.start(t)
		return "crash"
	}
	return string(b[:])
}

// cuts returns where a step is cut: before it, in the middle, and in it with
// undefined bits. Steps that touch the header are torn byte by byte and bit by
// bit too.
func cuts(log *simboard.FlashLog, step int) []simboard.Cut {
	s := &log.Steps[step]
	seed := 4 * uint64(step+1)
	c := []simboard.Cut{{Step: step}, {Step: step, Bytes: s.Size / 2}, {Step: step, Bytes: s.Size / 4, Seed: seed + uint64(step)%4}}
	if fullSweep || s.Offset == 0 {
		for i := range uint64(4) { // each of the states of a torn erase
			c = append(c, simboard.Cut{Step: step, Bytes: s.Size / 3, Seed: seed + i}, simboard.Cut{Step: step, Seed: seed + i})
		}
		for at := int64(1); at < s.Size && at < 48; at++ {
			c = append(c, simboard.Cut{Step: step, Bytes: at})
		}
	}
	if s.Kind == simboard.Program && s.Offset == 0 {
		for at := range min(s.Size, 48) {
			for bits := 1; bits <= 8; bits++ {
				c = append(c, simboard.Cut{Step: step, Bytes: at, Bits: bits})
			}
		}
		for seed := range uint64(400) {
			c = append(c, simboard.Cut{Step: step, Seed: 1000 + seed})
		}
	}
	return c
}

// recorded deploys the old image, then the new one, and returns what the second
// deploy did to the flash.
func recorded(t testing.TB, f *flavour) (log *simboard.FlashLog, older, newer []byte, cache *Cache) {
	older, newer = f.image(t, false), f.image(t, true)
	b := startBoard(t, f.options())
	cache = OpenCache(t.TempDir())
	r := request(t, b, older)
	r.Board, r.Cache = f.profile(), cache
	if _, err := Run(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	b.RecordFlash()
	r.Image = newer
	result, err := Run(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if result.Healed {
		t.Error("the first writing was wrong")
	}
	t.Logf("%d of %d blocks changed, %d bytes sent, %d copied", result.Changed, result.Blocks, result.Literal, result.Copied)
	return b.FlashLog(), older, newer, cache
}

// sweep cuts the power at every step of a deploy and returns how many cuts
// were tried, and those after which the board mounts something that is neither
// the old image nor the new one; enough of these end it.
func sweep(t testing.TB, d *driver, f *flavour, log *simboard.FlashLog, older, newer []byte, enough int) (tried int, states map[string]simboard.Cut, bad []simboard.Cut) {
	fine := map[string]string{
		d.mounts(t, older):      "old",
		d.mounts(t, newer):      "new",
		strings.Repeat("-", 64): "none",
	}
	seen := map[string]int{}
	states = map[string]simboard.Cut{}
	for step := range log.Steps {
		for _, c := range cuts(log, step) {
			flash := simboard.Replay(log, c)[:f.part.Size]
			tried++
			what, ok := fine[d.mounts(t, as32(flash))]
			if !ok {
				bad = append(bad, c)
			}
			if len(bad) >= enough {
				return tried, states, bad
			}
			seen[what]++
			states[fmt.Sprintf("%x", sha256.Sum256(flash))] = c
		}
	}
	t.Logf("%s: %d flash steps, %d cuts tried, %d different states: %d mount the old image, %d nothing, %d the new one",
		f.name, len(log.Steps), tried, len(states), seen["old"], seen["none"], seen["new"])
	if seen["old"] == 0 || seen["none"] == 0 {
		t.Errorf("the sweep saw %v: it did not cut everywhere", seen)
	}
	return tried, states, bad
}

// TestPowerCuts cuts a deploy over an old image at every flash step.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	for _, f := range flavours {
		t.Run(f.name, func(t *testing.T) {
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
// NOR flash one whose words, of that size, are programmed once.
func TestSweepNoticesCarelessCommits(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]int64{"page": 256, "block": 4 * kib} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := flavours[0]
			f.medium, f.write = board.ECC, word
			log, older, newer, _ := recorded(t, &f)
			tried, _, bad := sweep(t, startDriver(t), &f, log, older, newer, 1)
			if len(bad) == 0 {
				t.Errorf("%d cuts, and none was noticed", tried)
			}
			t.Logf("the cut number %d leaves half an image: %v", tried, bad)
		})
	}
}

// repair deploys to boards that were cut.
func repair(t *testing.T, f *flavour, log *simboard.FlashLog, states map[string]simboard.Cut, newer []byte, cache *Cache) {
	keys := slices.Sorted(maps.Keys(states))
	n := 6
	if fullSweep {
		n = min(len(keys), 200)
	}
	for i := range n {
		c := states[keys[i*len(keys)/n]]
		flash := filepath.Join(t.TempDir(), "flash")
		if err := os.WriteFile(flash, simboard.Replay(log, c), 0o600); err != nil {
			t.Fatal(err)
		}
		o := f.options()
		o.Flash = flash
		b := startBoard(t, o)
		r := request(t, b, newer)
		r.Board, r.Cache = f.profile(), cache
		result, err := Run(context.Background(), r)
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
