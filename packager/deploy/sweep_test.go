//go:build linux

package deploy

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/board"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/drivers"
	"rules_romfs/packager/simboard/flashsim"
)

// fullSweep makes the power-cut sweep try every kind of cut at every flash step,
// and repair after many of them. It takes about an hour on two cores. Without
// it a deploy is cut at every flash step too, but in fewer ways.
var fullSweep = os.Getenv("ROMFS_FULL_SWEEP") != ""

// A flavour is a board whose port writes its flash in its own way, and what the
// deploy knows of it.
type flavour struct {
	name    string
	driver  string          // of package drivers
	as      string          // the driver whose port the firmware says it is; "": that
	erase   int64           // bytes that the chip erases at once; 0: the driver's
	old     bool            // firmware up to 1.28
	profile board.Partition // but for size and segment; without a medium the board is deployed to without a profile
	layout  romfs.Layout
	unit    int64 // that the header of the image is as wide as; 0: the profile's
	small   bool  // a small image is enough
}

const kib = 1 << 10

// noPort is no port that the table of package flash knows.
const noPort = "none"

// flavours are every driver, and some of them with other firmware, other
// geometry, and other knowledge.
var flavours = []flavour{
	{name: "stm32-qspi", driver: "stm32-qspi", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}},
	{name: "stm32-qspi-unknown-board", driver: "stm32-qspi"},
	{name: "stm32-qspi-old", driver: "stm32-qspi", old: true, profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}},
	{name: "stm32-qspi-old-unknown-port", driver: "stm32-qspi", as: noPort, old: true},
	{name: "stm32-qspi-old-stable", driver: "stm32-qspi", old: true, profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}, layout: romfs.Stable},
	{name: "stm32-qspi-old-coarse", driver: "stm32-qspi", erase: 16 * kib, old: true, profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}, layout: romfs.Stable},
	{name: "stm32-ospi", driver: "stm32-ospi", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}},
	{name: "stm32-xspi", driver: "stm32-xspi", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}},
	{name: "stm32-internal-f4", driver: "stm32-internal-f4", erase: 64 * kib, profile: board.Partition{Medium: board.NOR, Erase: 64 * kib, Write: 16}},
	{name: "stm32-internal-h7", driver: "stm32-internal-h7", profile: board.Partition{Medium: board.ECC, Erase: 128 * kib, Write: 32}, layout: romfs.Stable},
	{name: "stm32-internal-h7-compact", driver: "stm32-internal-h7", profile: board.Partition{Medium: board.ECC, Erase: 128 * kib, Write: 32}},
	{name: "stm32-internal-h5", driver: "stm32-internal-h5", profile: board.Partition{Medium: board.ECC, Erase: 8 * kib, Write: 16}},
	{name: "stm32-internal-h5-old", driver: "stm32-internal-h5", old: true, profile: board.Partition{Medium: board.ECC, Erase: 8 * kib, Write: 16}, layout: romfs.Stable},
	{name: "alif-mram", driver: "alif-mram", profile: board.Partition{Medium: board.MRAM, Erase: 1, Write: 16}},
	{name: "alif-mram-old", driver: "alif-mram", old: true, profile: board.Partition{Medium: board.MRAM, Erase: 1, Write: 16}},
	{name: "alif-ospi", driver: "alif-ospi", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}},
	{name: "esp8266", driver: "esp8266", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}},
	{name: "esp32", driver: "esp32", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}},
	{name: "rp2", driver: "rp2", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 256}},
	{name: "stm32-internal-l4", driver: "stm32-internal-l4", profile: board.Partition{Medium: board.ECC, Erase: 2 * kib, Write: 8}},
	{name: "stm32-internal-l4-unknown-board", driver: "stm32-internal-l4", unit: 16},
	{name: "stm32-internal-h7-unknown-board", driver: "stm32-internal-h7", unit: 32},
	{name: "samd21", driver: "samd21", profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 256}, small: true},
	{name: "samd51", driver: "samd51", profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 8 * kib}},
	{name: "samd51-old", driver: "samd51", old: true, profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 8 * kib}, layout: romfs.Stable},
	{name: "samd51-unknown-board", driver: "samd51", unit: 8 * kib},
	{name: "samd21-blocks", driver: "samd21-blocks", profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 256}, small: true},
	{name: "samd51-blocks", driver: "samd51-blocks", profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 8 * kib}},
	{name: "renesas-ra4", driver: "renesas-ra4", profile: board.Partition{Medium: board.ECC, Write: 2 * kib}},
	{name: "renesas-ra6", driver: "renesas-ra6", profile: board.Partition{Medium: board.ECC, Write: 2 * kib}, layout: romfs.Stable},
	{name: "renesas-ra6-unknown-board", driver: "renesas-ra6", unit: 2 * kib},
	{name: "esp32-encrypted", driver: "esp32-encrypted", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}, unit: 16},
	{name: "nrf", driver: "nrf", profile: board.Partition{Medium: board.NOR, Write: 4, Programs: 2}},
	{name: "nrf-unknown-board", driver: "nrf"},
	{name: "nrf51", driver: "nrf51", profile: board.Partition{Medium: board.NOR, Write: 4, Programs: 2}},
	{name: "mimxrt", driver: "mimxrt", profile: board.Partition{Medium: board.NOR, Erase: 4 * kib, Write: 4}},
}

// unswept are the drivers that are in no flavour, and why.
var unswept = map[string]string{
	"qemu": "nothing writes it",
}

// TestFlavours checks that no driver is forgotten.
func TestFlavours(t *testing.T) {
	t.Parallel()
	for _, d := range drivers.All() {
		swept := slices.ContainsFunc(flavours, func(f flavour) bool { return f.driver == d.Name })
		if why := unswept[d.Name]; swept == (why != "") {
			t.Errorf("%s: swept: %t, and left out because %q", d.Name, swept, why)
		}
	}
}

// of is the driver.
func (f *flavour) of(t testing.TB) *drivers.Driver {
	d, err := drivers.Lookup(f.driver)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// partSize is the size of the boards' partitions.
const partSize = 128 * kib

// options returns the board that has this flavour.
func (f *flavour) options() simboard.Options {
	o := simboard.Options{Partitions: []simboard.Partition{{Driver: f.driver, Size: partSize, Erase: f.erase}}}
	if f.old {
		o.Generation = simboard.Old
	}
	if f.as == noPort {
		o.Platform, o.Machine = "sim", "Simulated board of no known port"
	} else if f.as != "" {
		d, _ := drivers.Lookup(f.as)
		o.Platform, o.Machine = d.Platform, "Simulated board with "+d.Chip
	}
	return o
}

// board returns what the deploy knows of the board.
func (f *flavour) board(t testing.TB) *board.Profile {
	p := f.profile
	if p.Medium == "" {
		return nil
	}
	p.Name, p.Size, p.Segment = "romfs0", partSize, board.Memoryview
	if f.of(t).Blocks {
		p.Segment = board.BlockDevice
	}
	return &board.Profile{ID: "test", Partitions: []board.Partition{p}}
}

// image builds the image that is deployed, or the one before: its code is ten
// bytes shorter, so that everything behind it moves.
func (f *flavour) image(t testing.TB, grown bool) []byte {
	app := code(1, 6000)
	if grown {
		app = append(app, "# changed\n"...)
	}
	o := romfs.Options{Layout: f.layout, EraseUnit: f.profile.Erase, MaxSize: partSize}
	if o.WriteUnit = f.unit; f.unit == 0 {
		o.WriteUnit = f.profile.TornUnit()
	}
	return build(t, o, map[string][]byte{"app.py": app, "z.bin": random(2, f.bulk(t)), "b.py": code(3, 3000)})
}

// bulk is the size of the image's large file. Chips that are programmed in
// small pieces take many more steps for as many bytes.
func (f *flavour) bulk(t testing.TB) int {
	if (f.of(t).Cells.Page <= 32 || f.small) && !fullSweep {
		return 8000
	}
	return 40000
}

// as32 makes the length in the header of flash what a 32-bit board reads there:
// the driver on this machine has 64-bit words, in which the same bytes may be
// another number. The width stays. undo makes it what it was.
func as32(flash []byte) (undo func()) {
	if !bytes.HasPrefix(flash, []byte(romfs.Magic)) {
		return func() {}
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
		return func() {}
	}
	was := bytes.Clone(flash[:end+1])
	for i := end; i >= len(romfs.Magic); i-- {
		flash[i] = byte(n&0x7f) | flash[i]&0x80
		n >>= 7
	}
	return func() { copy(flash, was) }
}

// A driver is MicroPython's own VfsRom, asked what it makes of the contents of
// a partition.
type driver struct {
	in    io.WriteCloser
	out   io.Reader
	cmd   *exec.Cmd
	has   []byte // the contents that it was asked about last
	stale bool   // it is a new one, which has nothing yet
	sent  []byte // what is on its way to it
}

const driverSource = `
import sys, vfs, hashlib
i = sys.stdin.buffer
flash = bytearray(SIZE)
view = memoryview(flash)
def number():
    return int.from_bytes(i.read(4), "little")
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
    size = number()
    if size == 0:
        break
    for _ in range(number()):
        at = number()
        i.readinto(view[at:at + number()])
    try:
        fs = vfs.VfsRom(view[:size])
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
	d.cmd = exec.Command(peer.MicroPython(t), "-X", "heapsize=64m", "-c", strings.Replace(driverSource, "SIZE", strconv.Itoa(partSize), 1))
	d.has = make([]byte, partSize)
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
// the end, and crash. Behind touched the flash is as it was the last time.
func (d *driver) mounts(t testing.TB, flash []byte, touched int) string {
	t.Helper()
	// It may also read in circles.
	stuck := time.AfterFunc(20*time.Second, func() { d.cmd.Process.Kill() })
	defer stuck.Stop()
	_, err := d.in.Write(d.changes(flash, touched))
	var b [64]byte
	if err == nil {
		_, err = io.ReadFull(d.out, b[:])
	}
	if err != nil {
		d.stop()
		d.start(t)
		d.stale = true
		return "crash"
	}
	return string(b[:])
}

// changes is what the driver has to read to have flash: its length and the number of pages
// that differ from the last contents, then the place, the length and the bytes of each.
func (d *driver) changes(flash []byte, touched int) []byte {
	const page = 256
	if d.stale {
		touched, d.stale = len(flash), false
	}
	put := binary.LittleEndian.AppendUint32
	out := put(put(d.sent[:0], uint32(len(flash))), 0)
	n := uint32(0)
	for at := 0; at < touched; at += page {
		b := flash[at:min(at+page, touched)]
		if has := d.has[at : at+len(b)]; !bytes.Equal(has, b) {
			copy(has, b)
			out = append(put(put(out, uint32(at)), uint32(len(b))), b...)
			n++
		}
	}
	binary.LittleEndian.PutUint32(out[4:], n)
	d.sent = out
	return out
}

// cuts returns where a step is cut: before it, in the middle, and in it with
// undefined bits. Steps that touch the header are torn byte by byte and bit by
// bit too.
func cuts(log *flashsim.Log, step int) []flashsim.Cut {
	s := &log.Steps[step]
	seed := 4 * uint64(step+1)
	if !fullSweep && s.Offset >= 64 && len(log.Steps) > manySteps && step%4 > 0 {
		return []flashsim.Cut{{Step: step}}
	}
	c := []flashsim.Cut{{Step: step}, {Step: step, Bytes: s.Size / 2}, {Step: step, Bytes: s.Size / 4, Seed: seed + uint64(step)%4}}
	if fullSweep || s.Offset == 0 {
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
func recorded(t testing.TB, f *flavour) (log *flashsim.Log, older, newer []byte, cache *Cache) {
	older, newer = f.image(t, false), f.image(t, true)
	b := startBoard(t, f.options())
	cache = OpenCache(t.TempDir())
	r := request(t, b, older)
	r.Board, r.Cache = f.board(t), cache
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
	if v := b.Stats().Violations; len(v) > 0 {
		t.Errorf("the flash does not bear it: %v", v)
	}
	t.Logf("%d of %d blocks changed, %d bytes sent, %d copied", result.Changed, result.Blocks, result.Literal, result.Copied)
	return b.FlashLog(), older, newer, cache
}

// sweep cuts the power at every step of a deploy and returns how many cuts
// were tried, and those after which the board mounts something that is neither
// the old image nor the new one; enough of these end it.
func sweep(t testing.TB, d *driver, f *flavour, log *flashsim.Log, older, newer []byte, enough int) (tried int, states map[string]flashsim.Cut, bad []flashsim.Cut) {
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
		touched = max(touched, int(min(s.Offset+s.Size, partSize)))
	}
	d.stale = true // of what lies behind that
	for step := range log.Steps {
		for _, c := range cuts(log, step) {
			flash := replay.At(c)[:partSize]
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
		f.name, len(log.Steps), tried, len(states), seen["old"], seen["none"], seen["new"])
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
// NOR flash one whose words, of that size, are programmed once, and the image was
// not built for that.
func TestSweepNoticesCarelessCommits(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]int64{"page": 256, "block": 4 * kib} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := flavours[0]
			f.profile.Medium, f.profile.Write, f.unit = board.ECC, word, 4
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
	f := flavours[0]
	f.driver, f.as, f.small = "samd51", "stm32-qspi", true
	f.profile.Erase = 8 * kib
	log, older, newer, _ := recorded(t, &f)
	tried, _, bad := sweep(t, startDriver(t), &f, log, older, newer, 1)
	if len(bad) == 0 {
		t.Errorf("%d cuts, and none was noticed", tried)
	}
	t.Logf("the cut number %d leaves half an image: %v", tried, bad)
}

// repair deploys to boards that were cut.
func repair(t *testing.T, f *flavour, log *flashsim.Log, states map[string]flashsim.Cut, newer []byte, cache *Cache) {
	keys := slices.Sorted(maps.Keys(states))
	n := 6
	if fullSweep {
		n = min(len(keys), 200)
	}
	for i := range n {
		c := states[keys[i*len(keys)/n]]
		flash := filepath.Join(t.TempDir(), "flash")
		if err := os.WriteFile(flash, flashsim.Replay(log, c), 0o600); err != nil {
			t.Fatal(err)
		}
		o := f.options()
		o.Flash = flash
		b := startBoard(t, o)
		r := request(t, b, newer)
		r.Board, r.Cache = f.board(t), cache
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
