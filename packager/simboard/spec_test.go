//go:build linux

package simboard_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/board"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/flashsim"
)

func TestParseSpec(t *testing.T) {
	t.Parallel()
	parse := func(spec string) simboard.Options {
		t.Helper()
		o, err := simboard.ParseSpec(spec)
		if err != nil {
			t.Error(err)
		}
		return o
	}
	if o := parse(""); o.Board != nil || o.Flash != "" {
		t.Errorf("%+v", o)
	}
	if o := parse("openmv-n6"); o.Board == nil || o.Board.ID != "openmv-n6" {
		t.Errorf("%+v", o)
	}
	if o := parse("dir/n6.flash?board=openmv-n6&fault=lose=1000&baud=115200&ring-drops&seed=7&erase-time=55ms&heap=16KiB"); o.Flash != "dir/n6.flash" || o.Board.ID != "openmv-n6" ||
		o.Faults.ToBoard.Lose != 1000 || o.Faults.Baud != 115200 || !o.Faults.RingDrops || o.Seed != 7 || o.Faults.EraseTime != 55*time.Millisecond || o.Faults.Heap != 16384 {
		t.Errorf("%+v", o)
	}
	if o := parse("?flash=a%26b&missing=hashlib&missing=deflate&cut=3%2B100%2B5&fail=3@2"); o.Flash != "a&b" || strings.Join(o.Faults.Missing, " ") != "hashlib deflate" ||
		*o.Faults.Cut != (flashsim.Cut{Step: 3, Bytes: 100, Bits: 5}) || o.Faults.Fail != "3" || o.Faults.FailFrom != 2 {
		t.Errorf("%+v", o)
	}
	if o := parse("rp2?size=1MiB"); o.Board.Partitions[0].Size != 1<<20 {
		t.Errorf("%+v", o.Board.Partitions)
	}
	if o := parse("?driver=samd51"); o.Driver != "samd51" {
		t.Errorf("%+v", o)
	}
	if o := parse("?size=2MiB"); o.Partitions[0].Size != 2<<20 {
		t.Errorf("%+v", o)
	}
	path := filepath.Join(t.TempDir(), "boot.py")
	write(t, path, "print(1)")
	if o := parse("?file=boot.py:" + path); o.Files["boot.py"] != "print(1)" {
		t.Errorf("%+v", o)
	}

	for spec, want := range map[string]string{
		"openmv-n7":                           `"openmv-n7"`,
		"?bogus=1":                            "no such fault",
		"?fault=bogus":                        "no such fault",
		"?baud=fast":                          `"fast" is no positive number; baud=N`,
		"?latency=3":                          "is no time",
		"?ring-drops=1":                       "takes no value; ring-drops",
		"?raw-paste=no":                       "is none of on, refused, unknown",
		"?fail=7":                             "is none of 1, 2",
		"?fail=3@x":                           "is no positive number",
		"?cut=a":                              "is no place to cut",
		"?cut=1%2B2%2B3%2B4":                  "is no place to cut",
		"?seed=-1":                            "is no number",
		"?heap=x":                             "heap=SIZE",
		"?missing=":                           "needs a name",
		"?bad-block=x":                        "is no number",
		"?cut-byte=0":                         "is no positive number",
		"?file=boot.py":                       "is not NAME:PATH",
		"?file=x:no-such-file":                "no-such-file",
		"rp2?size=1":                          "1 bytes",
		"?size=x":                             `"x"`,
		"?driver=samd":                        "there are stm32-ospi,",
		"?%zz":                                "invalid URL escape",
		"no-such/board.yaml":                  "board.yaml",
		"arduino-nano-33-ble-sense?size=1KiB": "no ROM partition",
	} {
		_, err := simboard.ParseSpec(spec)
		var e *simboard.SpecError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", spec, err, want)
		}
	}
	var unknown *board.UnknownError
	if _, err := simboard.ParseSpec("openmv-n7"); !errors.As(err, &unknown) {
		t.Errorf("%v is no UnknownError", err)
	}
}

// TestOptions tries boards that cannot be.
func TestOptions(t *testing.T) {
	t.Parallel()
	rp2, err := board.Lookup("rp2")
	if err != nil {
		t.Fatal(err)
	}
	part := func(change func(*simboard.Partition)) simboard.Options {
		p := small
		change(&p)
		return boardWith(p)
	}
	for want, o := range map[string]simboard.Options{
		"0 to 2 GiB":                 part(func(p *simboard.Partition) { p.Size = 1 << 31 }),
		"a positive multiple":        part(func(p *simboard.Partition) { p.Erase = 6 }),
		`no driver "stm32-psram"`:    part(func(p *simboard.Partition) { p.Driver = "stm32-psram" }),
		"no multiple of 4096":        part(func(p *simboard.Partition) { p.Base = 100 }),
		"sim:rp2?size=256KiB":        {Board: rp2},
		"needs a heap size":          {Faults: simboard.Faults{Largest: 1024}},
		"needs a module":             {Faults: simboard.Faults{ROMThread: true}},
		`"7" is none of 1, 2, 3`:     {Faults: simboard.Faults{Fail: "7"}},
		`"../boot.py" is outside`:    {Files: map[string]string{"../boot.py": ""}},
		"no-such-dir/flash: no such": {Flash: "no-such-dir/flash"},
	} {
		o.Interpreter = peer.MicroPython(t)
		if _, err := simboard.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
