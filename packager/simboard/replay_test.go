//go:build linux

package simboard_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/flashsim"
	"rules_romfs/packager/simboard/simtest"
)

// deployed records a deploy of an image with one file over another by mpremote.
func deployed(t *testing.T, o simboard.Options) (b *simboard.Board, log *flashsim.Log, old, now map[string]string) {
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
	if !bytes.Equal(partition(flashsim.Replay(log, flashsim.Cut{Step: len(log.Steps)})), b.Contents(0)) {
		t.Fatal("the replay of all steps is not what the flash holds")
	}

	r, err := simtest.NewReplayer(log, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cuts := log.Cuts(4)
	for _, i := range []int{0, 1, len(cuts) / 2, 2, len(cuts) - 1, len(cuts) / 3} { // forth and back
		if want := flashsim.Replay(log, cuts[i]); !bytes.Equal(r.At(cuts[i]), want) {
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
			if s.Kind == flashsim.Erase {
				code.WriteString("vfs.rom_ioctl(3, 0, " + num(s.Offset-offset) + ", " + num(s.Size) + ")\n")
			} else {
				code.WriteString("vfs.rom_ioctl(4, 0, " + num(s.Offset-offset) + ", " + pyBytes(s.Data) + ")\n")
			}
		}
		h.send(code.String() + "\x04")
		waitOff(t, live)
		if !bytes.Equal(live.Contents(0), partition(flashsim.Replay(log, cuts[i]))) {
			t.Errorf("%v: the board's flash holds something else than the replay", cuts[i])
		}
	}
}

// TestSweep tries every cut of a deploy by mpremote with the real driver, and
// finds what is known of it: that it leaves images that mount with holes.
func TestSweep(t *testing.T) {
	t.Parallel()
	b, log, old, now := deployed(t, boardWith(small))
	i, err := simtest.NewInspector(peer.MicroPython(t))
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	check := func(v simtest.View, err error) string {
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
	r, err := simtest.NewReplayer(log, t.TempDir())
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
	i, err := simtest.NewInspector(peer.MicroPython(t))
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	b := start(t, boardWith(small))
	for _, tc := range []struct {
		name  string
		image []byte
		want  simtest.View
	}{
		{"erased", nil, simtest.View{}},
		{"empty", []byte("\xd2\xcd\x31\x00"), simtest.View{Mounted: true, Files: map[string]string{}}},
		{"file without data", []byte("\xd2\xcd\x31\x04\x05\x02\x01a"), simtest.View{Mounted: true, Files: map[string]string{}}},
		{"one file", []byte("\xd2\xcd\x31\x80\x07\x05\x05\x01a\x02\x01x"), simtest.View{Mounted: true, Files: map[string]string{"a": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}},
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
