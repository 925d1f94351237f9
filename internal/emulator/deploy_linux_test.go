package emulator

import (
	"bytes"
	"strings"
	"testing"
)

// TestDeploySequence is what a user does with a board, from its first image on,
// for each kind of cells and of segment.
func TestDeploySequence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		Options
		profile string
	}{
		"nor":                  {Options{}, "erase: 4096, write: 4, segment: memoryview"},
		"unknown":              {Options{}, ""},
		"no op 6":              {Options{NoOp6: true}, "erase: 4096, write: 4, segment: memoryview"},
		"once 8":               {Options{Cells: Once, Write: 8, Erase: 2048}, "erase: 2048, write: 8, segment: memoryview, medium: ecc"},
		"once 16":              {Options{Cells: Once, Write: 16, Erase: 8192, NoOp6: true}, "erase: 8192, write: 16, segment: memoryview, medium: ecc"},
		"once 32":              {Options{Cells: Once, Write: 32, Erase: 16384, Report: 16}, "erase: 16384, write: 32, segment: memoryview, medium: ecc"},
		"mram":                 {Options{Cells: MRAM, Write: 16, Erase: 16}, "erase: 16, write: 16, segment: memoryview, medium: mram"},
		"mram no op 6":         {Options{Cells: MRAM, Write: 16, Erase: 16, NoOp6: true}, "erase: 16, write: 16, segment: memoryview, medium: mram"},
		"blocks":               {Options{Segment: Blocks}, "erase: 4096, write: 256, segment: blockdev"},
		"rewritten":            {Options{Cells: Rewritten, Erase: 512}, "erase: 512, write: 4, segment: memoryview, rewrites: 8KiB"},
		"rewritten as blocks":  {Options{Cells: Rewritten, Erase: 8192, Segment: Blocks}, "erase: 8192, write: 4, segment: blockdev, rewrites: 8KiB"},
		"writes 16":            {Options{Write: 16}, ""},
		"writes 16, profile 4": {Options{Write: 16, NoOp6: true}, "erase: 4096, write: 4, segment: memoryview"},
		"slow and deaf": {Options{NoOp6: true, Heap: 32 << 10, Ring: 260, Drops: true, Deaf: true, EraseTime: 10e6, ProgramTime: 1e6},
			"erase: 4096, write: 4, segment: memoryview"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.Options, c.profile)
			b.guesses = strings.HasPrefix(name, "writes 16")
			sequence(t, b)
		})
	}
}

func sequence(t *testing.T, b *bench) {
	first := b.image(t, "first", app(1))
	second := b.image(t, "second", app(20))

	if r := b.romfs(t, "query"); r.code != 0 || !strings.Contains(r.stdout, "no ROMFS image") {
		t.Errorf("query of an empty board: %d %s", r.code, r.stdout)
	}
	r := b.deploys(t, "first.romfs", "--import", "app")
	if r.Status != "deployed" || len(r.Imported) != 1 || r.Imported[0].File != "/rom/app.mpy" {
		t.Errorf("%+v", r)
	}
	b.holds(t, first)

	before := b.Counters()
	if r := b.deploys(t, "first.romfs"); r.Status != "unchanged" || r.Changed != 0 {
		t.Errorf("%+v", r)
	}
	if c := b.Counters(); c.Erases != before.Erases || c.Programs != before.Programs {
		t.Error("what is there already was written again")
	}

	r = b.deploys(t, "second.romfs", "--import", "app", "--import", "dep")
	if r.Status != "deployed" || len(r.Imported) != 2 || r.Imported[1].File != "/rom/lib/dep.mpy" {
		t.Errorf("%+v", r)
	}
	b.holds(t, second)

	if r := b.romfs(t, "deploy", "second.romfs", "--verify-only"); r.code != 0 {
		t.Errorf("exit %d", r.code)
	}
	if r := b.romfs(t, "deploy", "first.romfs", "--verify-only"); r.code != 8 {
		t.Errorf("exit %d for another image", r.code)
	}
	if r := b.romfs(t, "pull", "pulled.romfs"); r.code != 0 || !bytes.Equal(b.read(t, "pulled.romfs"), second) {
		t.Errorf("what was pulled is another image; exit %d", r.code)
	}
	if r := b.deploys(t, "first.romfs", "--full"); r.Status != "deployed" || r.Changed != r.Blocks {
		t.Errorf("%+v", r)
	}
	b.holds(t, first)
}

// TestReadOnly: what firmware cannot write is refused before anything is sent,
// and can be read.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	maker := newBench(t, Options{}, "")
	image, other := maker.image(t, "app", app(1)), maker.image(t, "other", app(20))
	b := newBench(t, Options{Cells: ReadOnly, Image: image}, "base: 0x21000000, segment: memoryview, medium: ram, read_only: true")
	b.write(t, "app.romfs", string(image))
	b.write(t, "other.romfs", string(other))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"query"}, 0, "sha256"},
		{[]string{"deploy", "app.romfs", "--import", "app"}, 0, "already holds"},
		{[]string{"deploy", "app.romfs", "--verify-only"}, 0, "holds"},
		{[]string{"pull", "pulled.romfs"}, 0, ""},
		{[]string{"deploy", "other.romfs"}, 9, "read-only"},
		{[]string{"deploy", "other.romfs", "--dry-run"}, 9, "read-only"},
	} {
		if r := b.romfs(t, c.args[0], c.args[1:]...); r.code != c.code || !strings.Contains(r.stdout+r.stderr, c.want) {
			t.Errorf("%q: exit %d", c.args, r.code)
		}
	}
	b.holds(t, image)
}
