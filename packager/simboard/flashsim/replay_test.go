package flashsim_test

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rules_romfs/packager/simboard/flashsim"
)

// TestTear checks what a cut may leave of one step, whatever the medium.
func TestTear(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cells := flashsim.Cells{
			Page: 256, Word: rapid.SampledFrom([]int64{1, 4, 16, 32}).Draw(t, "word"), Overwrite: rapid.Bool().Draw(t, "overwrite"),
			Times: rapid.IntRange(0, 2).Draw(t, "times"),
		}
		before := rapid.SliceOfN(rapid.Byte(), 96, 96).Draw(t, "before")
		data := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "data")
		step := flashsim.Step{Kind: flashsim.Program, Offset: 16, Size: 64, Data: data, Cells: cells}
		if rapid.Bool().Draw(t, "erase") {
			step = flashsim.Step{Kind: flashsim.Erase, Offset: 16, Size: 64, Cells: cells}
		}
		cut := flashsim.Cut{
			Bytes: rapid.Int64Range(0, 70).Draw(t, "bytes"),
			Bits:  rapid.IntRange(0, 20).Draw(t, "bits"),
			Seed:  rapid.SampledFrom([]uint64{0, 1, 2, 3, 4, 99}).Draw(t, "seed"),
		}
		log := &flashsim.Log{Before: before, Steps: []flashsim.Step{step}}
		got := flashsim.Replay(log, cut)
		whole := flashsim.Replay(log, flashsim.Cut{Step: 1})

		if !bytes.Equal(got[:16], before[:16]) || !bytes.Equal(got[80:], before[80:]) {
			t.Fatal("a cut changed what lies beside the step")
		}
		if !bytes.Equal(flashsim.Replay(log, cut), got) {
			t.Fatal("the same cut left something else")
		}
		if cut.Bytes >= 64 && !bytes.Equal(got, whole) {
			t.Fatal("a cut behind the step left not all of it")
		}
		for i := 16; i < 80; i++ {
			switch {
			case step.Kind == flashsim.Erase:
				if int64(i-16) < cut.Bytes && got[i] != 0xff {
					t.Fatalf("byte %d of an erase that came to %d is %#x", i-16, cut.Bytes, got[i])
				}
			case (got[i]^before[i])&(got[i]^whole[i]) != 0:
				t.Fatalf("byte %d is %#x: neither bits of %#x before nor of %#x after", i-16, got[i], before[i], whole[i])
			case !cells.Overwrite && got[i]&^before[i] != 0:
				t.Fatalf("byte %d went from %#x to %#x: a program set a bit", i-16, before[i], got[i])
			}
		}
		if cut.Seed == 0 && step.Kind == flashsim.Program && cut.Bytes+int64(cut.Bits+7)/8 < 64 {
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
	log := &flashsim.Log{Before: before, Steps: []flashsim.Step{{Kind: flashsim.Erase, Size: 4096, Cells: flashsim.NOR}}}
	ones := func(seed uint64) (n int) {
		for _, b := range flashsim.Replay(log, flashsim.Cut{Seed: seed}) {
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
	log := &flashsim.Log{Before: []byte{0xff, 0xff}, Steps: []flashsim.Step{{Kind: flashsim.Program, Size: 2, Data: []byte{0, 0}, Cells: flashsim.Cells{Page: 2, Word: 2}}}}
	want := uint16(0xffff)
	for i, c := range log.BitCuts(0) {
		got := flashsim.Replay(log, c)
		if got := uint16(got[0]) | uint16(got[1])<<8; got != want {
			t.Errorf("cut %d (%v) left %04x, want %04x", i, c, got, want)
		}
		want &= want << 1
	}
	if want != 0 {
		t.Errorf("the cuts do not reach the end: %04x", want)
	}
}

// TestCuts checks that a sweep leaves out no step and no kind of cut.
func TestCuts(t *testing.T) {
	t.Parallel()
	log := &flashsim.Log{Before: make([]byte, 8192), Steps: []flashsim.Step{
		{Kind: flashsim.Erase, Size: 4096, Cells: flashsim.NOR},
		{Kind: flashsim.Program, Size: 256, Data: make([]byte, 256), Cells: flashsim.NOR},
		{Kind: flashsim.Program, Offset: 256, Size: 4, Data: make([]byte, 4), Cells: flashsim.NOR},
	}}
	cuts := log.Cuts(6)
	for step := range 3 {
		if !slices.Contains(cuts, flashsim.Cut{Step: step}) {
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
	if last := cuts[len(cuts)-1]; last != (flashsim.Cut{Step: 3}) {
		t.Errorf("the last cut is %v", last)
	}
}
