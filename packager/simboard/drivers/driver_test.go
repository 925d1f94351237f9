package drivers_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/simboard/drivers"
	"rules_romfs/packager/simboard/flashsim"
)

// errHang is what an operation ends with that never returns.
var errHang = errors.New("hangs")

// segment is a partition of 64 KiB that a driver writes.
func segment(t *testing.T, d *drivers.Driver, erase int64) *drivers.Segment {
	t.Helper()
	if erase == 0 {
		erase = d.Erase
	}
	places := []flashsim.Place{{Size: 64 << 10, Erase: erase, Cells: d.Cells}}
	mem := make([]byte, flashsim.LayOut(places))
	flashsim.Blank(mem, places)
	return &drivers.Segment{
		Flash: flashsim.New(mem, places, flashsim.Habits{}), Size: 64 << 10, Erase: erase,
		Rand: flashsim.Random(1, 1), Hang: func() error { return errHang },
	}
}

// A call is one call from Python, as a test's table writes it.
type call struct {
	op   string // prepare, write, min; erase, blocks, patch
	args []int64
	data string
}

func (c call) String() string { return fmt.Sprintf("%s%v %q", c.op, c.args, c.data) }

func do(d *drivers.Driver, s *drivers.Segment, c call) (int, error) {
	m, b := d.Mapped(s), d.Device(s)
	switch c.op {
	case "prepare":
		return m.Prepare(c.args...)
	case "write":
		return m.Write(c.args[0], []byte(c.data))
	case "min":
		return m.MinPrepare()
	case "erase":
		return b.EraseBlock(c.args[0])
	case "blocks":
		return b.WriteBlocks(c.args[0], []byte(c.data))
	}
	return b.Patch(c.args[0], []byte(c.data), c.args[1])
}

func prepare(args ...int64) call               { return call{"prepare", args, ""} }
func write(off int64, data string) call        { return call{"write", []int64{off}, data} }
func erase(n int64) call                       { return call{"erase", []int64{n}, ""} }
func blocks(n int64, data string) call         { return call{"blocks", []int64{n}, data} }
func patch(n int64, data string, o int64) call { return call{"patch", []int64{n, o}, data} }

// steps says in short what was done to the flash: E for an erase, P for a
// program, with offset and size; a run of equal sizes is written once.
func steps(log *flashsim.Log) string {
	var list []string
	for i := 0; i < len(log.Steps); {
		s := log.Steps[i]
		n := 1
		for i+n < len(log.Steps) && log.Steps[i+n].Kind == s.Kind && log.Steps[i+n].Size == s.Size && log.Steps[i+n].Offset == s.Offset+int64(n)*s.Size {
			n++
		}
		text := fmt.Sprintf("%c%d+%d", "EP"[s.Kind], s.Offset, s.Size)
		if n > 1 {
			text += fmt.Sprintf("*%d", n)
		}
		list, i = append(list, text), i+n
	}
	return strings.Join(list, " ")
}

// fullPage is data that fills pages.
func fullPage(n int) string { return strings.Repeat("x", n) }

// A row is a call and what comes of it.
type row struct {
	call  call
	want  int    // what it returns
	steps string // which operations the chip gets
	harm  bool   // some of them are not what the chip bears, or hit something else
}

// writePaths is, by driver, what each port does for the calls that a deploy
// makes. The numbers are those of the ports' sources, which each driver names,
// and of MicroPython's documentation of vfs.rom_ioctl.
func writePaths() map[string][]row {
	const eio, einval, none, raises = drivers.EIO, drivers.EINVAL, drivers.ReturnNone, drivers.RaiseEIO
	spi := func(min int) []row {
		return []row{
			{call{op: "min"}, min, "", false},
			{prepare(1), 4, "E0+4096", false},
			{prepare(4096, 4097), 4, "E4096+4096*2", false},
			{prepare(4096, 65536), einval, "", false},
			{prepare(65537), einval, "", false},
			{write(0, "abc"), 0, "P0+3", false},
			{write(250, fullPage(300)), 0, "P250+6 P256+256 P512+38", false},
			{write(65534, "abc"), einval, "", false},
		}
	}
	xspi := spi(4096)
	xspi[2] = row{prepare(4096, 4097), 4, "E4096+4096*2", false}
	xspi = append(xspi, row{prepare(2048, 4096), 4, "E0+4096", false}) // begins inside a block: the second one is left
	samd := func(block, page int64, all, past string) []row {
		return []row{
			{call{op: "min"}, int(page), "", false},
			{write(0, "abcd"), 0, all, false}, // four bytes cost a block
			{prepare(0, page), 4, all, false}, // and so does the erase of a page
			{prepare(block), 4, fmt.Sprintf("E0+%d", block), false},
			{write(65534, "abcd"), 0, past, true}, // no range is checked
		}
	}
	nvm := func(block, page int64) []row {
		all := fmt.Sprintf("E0+%d P0+%d*%d", block, page, block/page)
		return []row{
			{patch(0, "abcd", 0), none, all, false},
			{erase(0), 0, "", true}, // another file system's block
			{blocks(0, fullPage(int(block))), none, fmt.Sprintf("E0+%d %s", block, all), false},
		}
	}
	renesas := func(block, unit int64) []row {
		sector := fmt.Sprintf("P0+%d*%d", unit, 2048/unit)
		return []row{
			{call{op: "min"}, einval, "", false},
			{prepare(1), 4, fmt.Sprintf("E0+%d", block), false},
			{prepare(4096, block), 4, "E0+" + fmt.Sprint(block), true}, // the offset is taken for the length
			{write(0, "abcd"), 0, sector, false},
			{write(4, "efgh"), 0, sector, true}, // the same units once more
		}
	}
	renesas4 := renesas(2048, 8)
	renesas4[2] = row{prepare(4096, 2048), 4, "E0+2048*2", false}
	renesas6 := renesas(32<<10, 128)
	renesas6[2].harm = false
	return map[string][]row{
		"stm32-qspi": spi(4096),
		"stm32-ospi": spi(einval),
		"stm32-xspi": xspi,
		"stm32-internal-h7": {
			{call{op: "min"}, 128 << 10, "", false},
			{prepare(1), 16, "E0+65536", false}, // of the sector, what the partition has
			{write(0, fullPage(32)), 0, "P0+32", false},
			{write(32, "abcdefg"), 0, "P32+32", false}, // 7 / 4 words, and ones
			{write(16, fullPage(16)), eio, "", false},
			{write(0, fullPage(32)), 0, "P0+32", true},
		},
		"stm32-internal-h5": {
			{call{op: "min"}, 8 << 10, "", false},
			{prepare(8192, 1), 16, "E8192+8192", false},
			{write(0, fullPage(40)), 0, "P0+16*3", false},
			{write(8, fullPage(8)), eio, "", false},
			{write(0, "abcd"), eio, "", true}, // PROGERR
		},
		"stm32-internal-l4": {
			{call{op: "min"}, 2 << 10, "", false},
			{write(0, fullPage(20)), 0, "P0+8*3", false},
			{write(4, fullPage(4)), eio, "", false},
			{write(16, "abcd"), eio, "", true},
			{prepare(2048), 16, "E0+2048", false},
			{write(16, "abcd"), 0, "P16+8", false},
		},
		"stm32-internal-f4": {
			{call{op: "min"}, 128 << 10, "", false},
			{write(0, fullPage(11)), 0, "P0+4*2", false},
			{write(0, "\x00\x00\x00\x00"), 0, "P0+4", false}, // bits can be cleared at any time
			{write(2, fullPage(4)), eio, "", false},
		},
		"alif-mram": {
			{call{op: "min"}, 16, "", false},
			{prepare(65536), 16, "", false},
			{prepare(65537), einval, "", false},
			{write(16, fullPage(33)), 0, "P16+16*3", false}, // and reads on behind the buffer
			{write(65530, fullPage(8)), einval, "", false},
		},
		"alif-ospi": {
			{call{op: "min"}, 4096, "", false},
			{prepare(4096, 4096), 4, "E4096+4096", false},
			{write(4, fullPage(256)), 0, "P4+252 P256+4", false},
		},
		"samd51":        samd(8192, 512, "E0+8192 P0+512*16", "E57344+8192 P57344+512*16 E65536+8192 P65536+512*16"),
		"samd21":        samd(256, 64, "E0+256 P0+64*4", "E65280+256 P65280+64*4 E65536+256 P65536+64*4"),
		"samd51-blocks": nvm(8192, 512),
		"samd21-blocks": nvm(256, 64),
		"renesas-ra4":   renesas4,
		"renesas-ra6":   renesas6,
		"esp8266": {
			{call{op: "min"}, einval, "", false},
			{prepare(4097), 4, "E0+4096*2", false},
			{prepare(8192, 4096), 4, "E0+4096*2", false}, // the offset is taken for the length
			{write(0, "abcde"), 0, "P0+8", false},
			{prepare(65536 + 1), 4, "E0+4096*17", true}, // no range is checked
		},
		"esp32": {
			{erase(1), 0, "E4096+4096", false},
			{patch(1, "abc", 1), none, "P4097+3", false},
			{blocks(2, fullPage(4096)), none, "E8192+4096 P8192+256*16", false},
			{blocks(2, "abcd"), raises, "", false}, // an erase takes whole blocks
			{erase(16), raises, "", false},
		},
		"esp32-encrypted": {
			{patch(1, fullPage(32), 0), none, "P4096+16*2", false},
			{patch(1, "abcd", 32), raises, "", false},
			{patch(1, fullPage(16), 0), none, "P4096+16", true},
			{blocks(2, fullPage(4096)), none, "E8192+4096 P8192+16*256", false},
		},
		"rp2": {
			{erase(1), 0, "E4096+4096", false},
			{patch(1, "abcd", 0), none, "P4096+256", false}, // a page, whatever lies behind the buffer
			{patch(2, "abcd", 4), none, "P8192+256", true},  // from the fourth byte, and round its end
			{blocks(1, fullPage(4096)), none, "E4096+4096 P4096+256*16", false},
			{erase(16), 0, "E65536+4096", true},
		},
		"mimxrt": {
			{erase(1), 0, "E4096+4096", false},
			{patch(1, fullPage(300), 250), 0, "P4346+6 P4352+256 P4608+38", false},
			{blocks(1, fullPage(4096)), 0, "E4096+4096 P4096+256*16", false},
		},
		"nrf51": {{erase(1), 0, "E1024+1024", false}},
		"nrf": {
			{erase(1), 0, "E4096+4096", false},
			{patch(1, "abcdefg", 3), 0, "P4096+4*3 P4104+4", false},
			{patch(1, "\x00", 3), 0, "P4096+4", false}, // the second time
			{patch(1, "\x00", 2), 0, "P4096+4", true},  // and the third
			{blocks(1, fullPage(4096)), 0, "E4096+4096 P4096+4*1024", false},
		},
		"qemu": {},
	}
}

// TestWritePaths makes these calls.
func TestWritePaths(t *testing.T) {
	t.Parallel()
	for name, rows := range writePaths() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := drivers.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			s := segment(t, d, 0)
			for _, r := range rows {
				s.Flash.Counts(true)
				s.Flash.Record()
				got, err := do(d, s, r.call)
				if err != nil {
					t.Fatal(r.call, err)
				}
				if got != r.want {
					t.Errorf("%v returned %d, want %d", r.call, got, r.want)
				}
				if ops := steps(s.Flash.Log()); ops != r.steps {
					t.Errorf("%v did %q, want %q", r.call, ops, r.steps)
				}
				if harm := s.Flash.Counts(false).Violations; (len(harm) > 0) != r.harm {
					t.Errorf("%v: violations %q, want some: %t", r.call, harm, r.harm)
				}
			}
		})
	}
}

// TestOldFirmware takes the offset for the length, and knows no op 6.
func TestOldFirmware(t *testing.T) {
	t.Parallel()
	for _, d := range drivers.All() {
		s := segment(t, d, 0)
		s.Old = true
		m := d.Mapped(s)
		if m == nil {
			continue
		}
		if n, _ := m.MinPrepare(); n != drivers.EINVAL {
			t.Errorf("%s: op 6 returned %d", d.Name, n)
		}
		s.Flash.Record()
		if _, err := m.Prepare(4096, 8192); err != nil {
			t.Fatal(err)
		}
		for _, step := range s.Flash.Log().Steps {
			if step.Kind == flashsim.Erase && step.Offset >= max(4096, s.Erase) {
				t.Errorf("%s: prepare(4096, 8192) erased at %d", d.Name, step.Offset)
			}
		}
	}
}

// TestOSPIHangs writes what is no multiple of 4 to alif's OSPI.
func TestOSPIHangs(t *testing.T) {
	t.Parallel()
	d, _ := drivers.Lookup("alif-ospi")
	s := segment(t, d, 0)
	if _, err := d.Mapped(s).Write(0, []byte("abcde")); !errors.Is(err, errHang) {
		t.Errorf("a write of five bytes ended: %v", err)
	}
}

// TestSAMD51Erase prepares three blocks: ASF4 for SAMD51 goes on by a page after
// each, and erases the first three times. That for SAMD21 does not.
func TestSAMD51Erase(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"samd51": "E0+8192 E0+8192 E0+8192", "samd21": "E0+256*3"} {
		d, _ := drivers.Lookup(name)
		s := segment(t, d, 0)
		s.Flash.Record()
		if _, err := d.Mapped(s).Prepare(3 * d.Erase); err != nil {
			t.Fatal(err)
		}
		if got := steps(s.Flash.Log()); got != want {
			t.Errorf("%s did %q, want %q", name, got, want)
		}
	}
}

// TestEncrypted shows what encrypted flash reads as: never as ones, and of a
// block that was programmed twice neither contents.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	d, _ := drivers.Lookup("esp32-encrypted")
	s := segment(t, d, 0)
	b := d.Device(s)
	if erased := s.Flash.Read(0, 0, 4096); slices.Index(erased, 0xff) < 0 || string(erased[:16]) == strings.Repeat("\xff", 16) {
		t.Errorf("erased flash reads as % x", erased[:16])
	}
	first, second := strings.Repeat("a", 16), strings.Repeat("\x00", 16)
	b.Patch(0, []byte(first), 0)
	if got := string(s.Flash.Read(0, 0, 16)); got != first {
		t.Errorf("a block reads as %q", got)
	}
	b.Patch(0, []byte(second), 0)
	if got := string(s.Flash.Read(0, 0, 16)); got == first || got == second {
		t.Errorf("a block that was programmed twice reads as %q", got)
	}
}

// TestFor checks which driver each built-in board gets, and that a board of a
// chip that no port here has gets one that writes its kind of memory.
func TestFor(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"openmv-n6": "stm32-xspi", "weact-h723": "stm32-ospi", "weact-h743": "stm32-qspi", "arduino-giga": "stm32-qspi", "pybd-sf2": "stm32-qspi",
		"openmv-h7": "stm32-internal-h7", "openmv-m4": "stm32-internal-f4", "openmv-m7": "stm32-internal-f4",
		"openmv-ae3": "alif-ospi alif-mram", "alif-ensemble": "alif-ospi alif-mram", "samd": "samd51", "samd21": "samd21", "renesas-ra": "renesas-ra4",
		"esp8266-2m-romfs": "esp8266", "esp32": "esp32", "rp2": "rp2", "mimxrt": "mimxrt", "nrf": "nrf51", "qemu-an385": "qemu", "qemu-virt-rv32": "qemu",
	} {
		p, err := board.Lookup(id)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range p.Partitions {
			got = append(got, drivers.For(strings.ReplaceAll(p.Machines[0], "*", "x"), &p.Partitions[i]).Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	for want, p := range map[string]board.Partition{
		"stm32-qspi":        {Medium: board.NOR},
		"stm32-internal-h7": {Medium: board.ECC, Write: 32},
		"stm32-internal-h5": {Medium: board.ECC, Write: 16},
		"stm32-internal-l4": {Medium: board.ECC, Write: 8},
		"alif-mram":         {Medium: board.MRAM},
		"qemu":              {Medium: board.RAM},
		"rp2":               {Segment: board.BlockDevice, Write: 256},
		"mimxrt":            {Segment: board.BlockDevice, Write: 4},
	} {
		if got := drivers.For("Somebody's board", &p).Name; got != want {
			t.Errorf("%+v: %s, want %s", p, got, want)
		}
	}
}

// TestSources checks that each driver says whose it is, and is tested here.
func TestSources(t *testing.T) {
	t.Parallel()
	paths := writePaths()
	for _, d := range drivers.All() {
		if d.Chip == "" || d.Doc == "" || !regexp.MustCompile(`ports/[a-z0-9-]+/.*\.c:\d+`).MatchString(d.Source) {
			t.Errorf("%s: %q, %q name no source", d.Name, d.Doc, d.Source)
		}
		if _, ok := paths[d.Name]; !ok {
			t.Errorf("%s is in no table", d.Name)
		}
	}
	if _, err := drivers.Lookup("stm32-psram"); err == nil || !strings.Contains(err.Error(), "stm32-qspi") {
		t.Errorf("an unknown name: %v", err)
	}
}
