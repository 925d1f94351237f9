//go:build linux

package simboard_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

// TestTear checks what a cut may leave of one step, whatever the medium.
func TestTear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		medium := rapid.SampledFrom([]simboard.Medium{simboard.NOR, simboard.ECC, simboard.MRAM, simboard.RAM}).Draw(t, "medium")
		unit := rapid.SampledFrom([]int64{1, 4, 16, 32}).Draw(t, "unit")
		before := rapid.SliceOfN(rapid.Byte(), 96, 96).Draw(t, "before")
		data := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "data")
		step := simboard.Step{Kind: simboard.Program, Offset: 16, Size: 64, Data: data, Medium: medium, Unit: unit}
		if rapid.Bool().Draw(t, "erase") {
			step = simboard.Step{Kind: simboard.Erase, Offset: 16, Size: 64, Medium: medium, Unit: unit}
		}
		cut := simboard.Cut{
			Bytes: rapid.Int64Range(0, 70).Draw(t, "bytes"),
			Bits:  rapid.IntRange(0, 20).Draw(t, "bits"),
			Seed:  rapid.SampledFrom([]uint64{0, 1, 2, 3, 4, 99}).Draw(t, "seed"),
		}
		log := &simboard.FlashLog{Before: before, Steps: []simboard.Step{step}}
		got := simboard.Replay(log, cut)
		whole := simboard.Replay(log, simboard.Cut{Step: 1})

		if !bytes.Equal(got[:16], before[:16]) || !bytes.Equal(got[80:], before[80:]) {
			t.Fatal("a cut changed what lies beside the step")
		}
		if !bytes.Equal(simboard.Replay(log, cut), got) {
			t.Fatal("the same cut left something else")
		}
		if cut.Bytes >= 64 && !bytes.Equal(got, whole) {
			t.Fatal("a cut behind the step left not all of it")
		}
		for i := 16; i < 80; i++ {
			switch {
			case step.Kind == simboard.Erase:
				if int64(i-16) < cut.Bytes && got[i] != 0xff {
					t.Fatalf("byte %d of an erase that came to %d is %#x", i-16, cut.Bytes, got[i])
				}
			case (got[i]^before[i])&(got[i]^whole[i]) != 0:
				t.Fatalf("byte %d is %#x: neither bits of %#x before nor of %#x after", i-16, got[i], before[i], whole[i])
			case medium == simboard.NOR && got[i]&^before[i] != 0:
				t.Fatalf("byte %d went from %#x to %#x: a program set a bit", i-16, before[i], got[i])
			}
		}
		if cut.Seed == 0 && step.Kind == simboard.Program && cut.Bytes+int64(cut.Bits+7)/8 < 64 {
			if rest := 16 + cut.Bytes + int64(cut.Bits+7)/8; !bytes.Equal(got[rest:], before[rest:]) {
				t.Fatal("a cut changed bytes behind it")
			}
		}
	})
}

// TestTornErase shows the states in which an interrupted erase leaves a block.
func TestTornErase(t *testing.T) {
	t.Parallel()
	before := bytes.Repeat([]byte{0x5a}, 4096)
	log := &simboard.FlashLog{Before: before, Steps: []simboard.Step{{Kind: simboard.Erase, Size: 4096, Unit: 4}}}
	ones := func(seed uint64) (n int) {
		for _, b := range simboard.Replay(log, simboard.Cut{Seed: seed}) {
			for ; b != 0; b &= b - 1 {
				n++
			}
		}
		return n * 100 / (4096 * 8)
	}
	got := []int{ones(4), ones(1), ones(2), ones(3)}
	for i, want := range [][2]int{{70, 80}, {20, 30}, {45, 55}, {98, 100}} {
		if got[i] < want[0] || got[i] > want[1] {
			t.Errorf("state %d: %d %% ones, want %v", i, got[i], want)
		}
	}
}

// TestBitCuts lists every bit of a step, in order.
func TestBitCuts(t *testing.T) {
	t.Parallel()
	log := &simboard.FlashLog{Before: []byte{0xff, 0xff}, Steps: []simboard.Step{{Kind: simboard.Program, Size: 2, Data: []byte{0, 0}, Unit: 2}}}
	want := uint16(0xffff)
	for i, c := range log.BitCuts(0) {
		got := simboard.Replay(log, c)
		if got := uint16(got[0]) | uint16(got[1])<<8; got != want {
			t.Errorf("cut %d (%v) left %04x, want %04x", i, c, got, want)
		}
		want &= want << 1
	}
	if want != 0 {
		t.Errorf("the cuts do not reach the end: %04x", want)
	}
}

// deployed records a deploy of an image with one file over another by mpremote.
func deployed(t *testing.T, o simboard.Options) (b *simboard.Board, log *simboard.FlashLog, old, now map[string]string) {
	t.Helper()
	files := func(seed string) (content, sums map[string]string) {
		content, sums = map[string]string{"a.py": "print('" + seed + "')\n", "data.bin": strings.Repeat(seed, 3000)}, map[string]string{}
		for name, c := range content {
			sum := sha256.Sum256([]byte(c))
			sums[name] = hex.EncodeToString(sum[:])
		}
		return content, sums
	}
	b = start(t, o)
	content, old := files("old")
	deployFiles(t, b, content)
	b.RecordFlash()
	content, now = files("new")
	deployFiles(t, b, content)
	return b, b.FlashLog(), old, now
}

// TestReplay checks that replaying a log gives what the board's flash holds,
// and that a cut of the real thing leaves what the replay of the cut says.
func TestReplay(t *testing.T) {
	t.Parallel()
	b, log, _, _ := deployed(t, boardWith(small))
	offset, size := log.Partition(0)
	partition := func(flash []byte) []byte { return flash[offset : offset+size] }
	if !bytes.Equal(partition(simboard.Replay(log, simboard.Cut{Step: len(log.Steps)})), b.Contents(0)) {
		t.Fatal("the replay of all steps is not what the flash holds")
	}

	r, err := simboard.NewReplayer(log, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cuts := log.Cuts(4)
	for _, i := range []int{0, 1, len(cuts) / 2, 2, len(cuts) - 1, len(cuts) / 3} { // forth and back
		if want := simboard.Replay(log, cuts[i]); !bytes.Equal(r.At(cuts[i]), want) {
			t.Errorf("the Replayer left something else at %v", cuts[i])
		}
	}

	for _, i := range []int{3, len(cuts) / 2, len(cuts) - 3} {
		live := start(t, boardWith(small))
		live.Load(0, partition(log.Before))
		live.SetCut(cuts[i])
		h := connect(t, live)
		h.raw()
		var code strings.Builder
		code.WriteString("import vfs\n")
		for _, s := range log.Steps {
			if s.Kind == simboard.Erase {
				code.WriteString("vfs.rom_ioctl(3, 0, " + num(s.Offset-offset) + ", " + num(s.Size) + ")\n")
			} else {
				code.WriteString("vfs.rom_ioctl(4, 0, " + num(s.Offset-offset) + ", " + pyBytes(s.Data) + ")\n")
			}
		}
		h.send(code.String() + "\x04")
		if err := live.WaitOff(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(live.Contents(0), partition(simboard.Replay(log, cuts[i]))) {
			t.Errorf("%v: the board's flash holds something else than the replay", cuts[i])
		}
	}
}

// TestSweep tries every cut of a deploy by mpremote with the real driver, and
// finds what is known of it: that it leaves images that mount with holes.
func TestSweep(t *testing.T) {
	t.Parallel()
	b, log, old, now := deployed(t, boardWith(small))
	i, err := simboard.NewInspector(peer.MicroPython(t))
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	check := func(v simboard.View, err error) string {
		switch {
		case err != nil:
			t.Fatal(err)
		case !v.Mounted:
			return "nothing"
		case v.Error == "" && maps.Equal(v.Files, old):
			return "old"
		case v.Error == "" && maps.Equal(v.Files, now):
			return "new"
		}
		return "broken"
	}
	if got := check(i.Partition(t.Context(), b, 0)); got != "new" {
		t.Fatalf("after the deploy the board mounts %s", got)
	}
	r, err := simboard.NewReplayer(log, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	count := map[string]int{}
	for _, c := range log.Cuts(4) {
		r.At(c)
		count[check(i.Replayed(t.Context(), r, 0))]++
	}
	t.Logf("%d cuts in %d steps of mpremote's deploy: %v", len(log.Cuts(4)), len(log.Steps), count)
	if count["old"] == 0 || count["nothing"] == 0 || count["new"] == 0 || count["broken"] == 0 {
		t.Errorf("mpremote writes the header first: some cuts must leave each of old, nothing, new and broken: %v", count)
	}
}

// TestInspector looks at images that make the driver loop, and at none.
func TestInspector(t *testing.T) {
	t.Parallel()
	i, err := simboard.NewInspector(peer.MicroPython(t))
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	b := start(t, boardWith(small))
	for _, tc := range []struct {
		name  string
		image []byte
		want  simboard.View
	}{
		{"erased", nil, simboard.View{}},
		{"empty", []byte("\xd2\xcd\x31\x00"), simboard.View{Mounted: true, Files: map[string]string{}}},
		{"file without data", []byte("\xd2\xcd\x31\x04\x05\x02\x01a"), simboard.View{Mounted: true, Files: map[string]string{}}},
		{"one file", []byte("\xd2\xcd\x31\x80\x07\x05\x05\x01a\x02\x01x"), simboard.View{Mounted: true, Files: map[string]string{"a": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}},
	} {
		b.Load(0, tc.image)
		got, err := i.Partition(t.Context(), b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got.Mounted != tc.want.Mounted || !maps.Equal(got.Files, tc.want.Files) || got.Error != tc.want.Error {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
	if _, err := i.File(t.Context(), "no such file", 0, 4096); err != nil {
		t.Error(err)
	}
	b.Load(0, []byte("\xd2\xcd\x31\x00"))
	i.Close()
	if got, err := i.Partition(t.Context(), b, 0); err != nil || !got.Mounted {
		t.Errorf("after Close: %+v, %v", got, err)
	}
}

// TestCuts checks that a sweep leaves out no step and no kind of cut.
func TestCuts(t *testing.T) {
	t.Parallel()
	log := &simboard.FlashLog{Before: make([]byte, 8192), Steps: []simboard.Step{
		{Kind: simboard.Erase, Size: 4096, Unit: 4},
		{Kind: simboard.Program, Size: 256, Data: make([]byte, 256), Unit: 4},
		{Kind: simboard.Program, Offset: 256, Size: 4, Data: make([]byte, 4), Unit: 4},
	}}
	cuts := log.Cuts(6)
	for step := range 3 {
		if !slices.Contains(cuts, simboard.Cut{Step: step}) {
			t.Errorf("no cut before step %d", step)
		}
		seeds, states := map[uint64]bool{}, map[uint64]bool{}
		for _, c := range cuts {
			if c.Step == step && c.Seed != 0 {
				seeds[c.Seed], states[c.Seed%4] = true, true
			}
		}
		if len(seeds) != 6 || len(states) != 4 {
			t.Errorf("step %d: %d seeds in %d states", step, len(seeds), len(states))
		}
	}
	if last := cuts[len(cuts)-1]; last != (simboard.Cut{Step: 3}) {
		t.Errorf("the last cut is %v", last)
	}
}
