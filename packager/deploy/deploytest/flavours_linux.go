package deploytest

import (
	"testing"

	"rules_romfs/packager/board"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/drivers"
)

// A Flavour is a board whose port writes its flash in its own way, and what the
// deploy knows of it.
type Flavour struct {
	Name    string
	Driver  string          // of package drivers
	As      string          // the driver whose port the firmware says it is; "": that
	Erase   int64           // bytes that the chip erases at once; 0: the driver's
	Old     bool            // firmware up to 1.28
	Profile board.Partition // but for size and segment; without a medium the board is deployed to without a profile
	Layout  romfs.Layout
	Unit    int64 // that the header of the image is as wide as; 0: the profile's
	Small   bool  // a small image is enough
}

// KiB is for sizes in bytes.
const KiB = 1 << 10

// NoPort is no port that the table of package flash knows.
const NoPort = "none"

// Flavours are every driver, and some of them with other firmware, other
// geometry, and other knowledge.
var Flavours = []Flavour{
	{Name: "stm32-qspi", Driver: "stm32-qspi", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}},
	{Name: "stm32-qspi-unknown-board", Driver: "stm32-qspi"},
	{Name: "stm32-qspi-old", Driver: "stm32-qspi", Old: true, Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}},
	{Name: "stm32-qspi-old-unknown-port", Driver: "stm32-qspi", As: NoPort, Old: true},
	{Name: "stm32-qspi-old-stable", Driver: "stm32-qspi", Old: true, Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}, Layout: romfs.Stable},
	{Name: "stm32-qspi-old-coarse", Driver: "stm32-qspi", Erase: 16 * KiB, Old: true, Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}, Layout: romfs.Stable},
	{Name: "stm32-ospi", Driver: "stm32-ospi", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}},
	{Name: "stm32-xspi", Driver: "stm32-xspi", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}},
	{Name: "stm32-internal-f4", Driver: "stm32-internal-f4", Erase: 64 * KiB, Profile: board.Partition{Medium: board.NOR, Erase: 64 * KiB, Write: 16}},
	{Name: "stm32-internal-h7", Driver: "stm32-internal-h7", Profile: board.Partition{Medium: board.ECC, Erase: 128 * KiB, Write: 32}, Layout: romfs.Stable},
	{Name: "stm32-internal-h7-compact", Driver: "stm32-internal-h7", Profile: board.Partition{Medium: board.ECC, Erase: 128 * KiB, Write: 32}},
	{Name: "stm32-internal-h5", Driver: "stm32-internal-h5", Profile: board.Partition{Medium: board.ECC, Erase: 8 * KiB, Write: 16}},
	{Name: "stm32-internal-h5-old", Driver: "stm32-internal-h5", Old: true, Profile: board.Partition{Medium: board.ECC, Erase: 8 * KiB, Write: 16}, Layout: romfs.Stable},
	{Name: "alif-mram", Driver: "alif-mram", Profile: board.Partition{Medium: board.MRAM, Erase: 1, Write: 16}},
	{Name: "alif-mram-old", Driver: "alif-mram", Old: true, Profile: board.Partition{Medium: board.MRAM, Erase: 1, Write: 16}},
	{Name: "alif-ospi", Driver: "alif-ospi", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}},
	{Name: "esp8266", Driver: "esp8266", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}},
	{Name: "esp32", Driver: "esp32", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}},
	{Name: "rp2", Driver: "rp2", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 256}},
	{Name: "stm32-internal-l4", Driver: "stm32-internal-l4", Profile: board.Partition{Medium: board.ECC, Erase: 2 * KiB, Write: 8}},
	{Name: "stm32-internal-l4-unknown-board", Driver: "stm32-internal-l4", Unit: 16},
	{Name: "stm32-internal-h7-unknown-board", Driver: "stm32-internal-h7", Unit: 32},
	{Name: "samd21", Driver: "samd21", Profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 256}, Small: true},
	{Name: "samd51", Driver: "samd51", Profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 8 * KiB}},
	{Name: "samd51-old", Driver: "samd51", Old: true, Profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 8 * KiB}, Layout: romfs.Stable},
	{Name: "samd51-unknown-board", Driver: "samd51", Unit: 8 * KiB},
	{Name: "samd21-blocks", Driver: "samd21-blocks", Profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 256}, Small: true},
	{Name: "samd51-blocks", Driver: "samd51-blocks", Profile: board.Partition{Medium: board.NOR, Write: 4, Rewrites: 8 * KiB}},
	{Name: "renesas-ra4", Driver: "renesas-ra4", Profile: board.Partition{Medium: board.ECC, Write: 2 * KiB}},
	{Name: "renesas-ra6", Driver: "renesas-ra6", Profile: board.Partition{Medium: board.ECC, Write: 2 * KiB}, Layout: romfs.Stable},
	{Name: "renesas-ra6-unknown-board", Driver: "renesas-ra6", Unit: 2 * KiB},
	{Name: "esp32-encrypted", Driver: "esp32-encrypted", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}, Unit: 16},
	{Name: "nrf", Driver: "nrf", Profile: board.Partition{Medium: board.NOR, Write: 4, Programs: 2}},
	{Name: "nrf-unknown-board", Driver: "nrf"},
	{Name: "nrf51", Driver: "nrf51", Profile: board.Partition{Medium: board.NOR, Write: 4, Programs: 2}},
	{Name: "mimxrt", Driver: "mimxrt", Profile: board.Partition{Medium: board.NOR, Erase: 4 * KiB, Write: 4}},
}

// of is the driver.
func (f *Flavour) of(t testing.TB) *drivers.Driver {
	d, err := drivers.Lookup(f.Driver)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// PartSize is the size of the boards' partitions.
const PartSize = 128 * KiB

// Options returns the board that has this flavour.
func (f *Flavour) Options() simboard.Options {
	o := simboard.Options{Partitions: []simboard.Partition{{Driver: f.Driver, Size: PartSize, Erase: f.Erase}}}
	if f.Old {
		o.Generation = simboard.Old
	}
	if f.As == NoPort {
		o.Platform, o.Machine = "sim", "Simulated board of no known port"
	} else if f.As != "" {
		d, _ := drivers.Lookup(f.As)
		o.Platform, o.Machine = d.Platform, "Simulated board with "+d.Chip
	}
	return o
}

// Board returns what the deploy knows of the board.
func (f *Flavour) Board(t testing.TB) *board.Profile {
	p := f.Profile
	if p.Medium == "" {
		return nil
	}
	p.Name, p.Size, p.Segment = "romfs0", PartSize, board.Memoryview
	if f.of(t).Blocks {
		p.Segment = board.BlockDevice
	}
	return &board.Profile{ID: "test", Partitions: []board.Partition{p}}
}

// Image builds the image that is deployed, or the one before: its code is ten
// bytes shorter, so that everything behind it moves.
func (f *Flavour) Image(t testing.TB, grown bool) []byte {
	app := Code(1, 6000)
	if grown {
		app = append(app, "# changed\n"...)
	}
	o := romfs.Options{Layout: f.Layout, EraseUnit: f.Profile.Erase, MaxSize: PartSize}
	if o.WriteUnit = f.Unit; f.Unit == 0 {
		o.WriteUnit = f.Profile.TornUnit()
	}
	return Image(t, o, map[string][]byte{"app.py": app, "z.bin": Random(2, f.bulk(t)), "b.py": Code(3, 3000)})
}

// bulk is the size of the image's large file. Chips that are programmed in
// small pieces take many more steps for as many bytes.
func (f *Flavour) bulk(t testing.TB) int {
	if (f.of(t).Cells.Page <= 32 || f.Small) && !Full {
		return 8000
	}
	return 40000
}
