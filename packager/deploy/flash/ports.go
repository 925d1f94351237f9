package flash

import (
	"strings"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/packager/board"
)

// Facts are what is known of a partition and of the board that it is on.
type Facts struct {
	Platform string // sys.platform
	Machine  string // sys.implementation._machine
	WordBits int

	Kind      board.SegmentKind
	Size      int64            // bytes
	Erase     int64            // as the firmware says it; 0: it does not
	Encrypted bool             // what is stored is a cipher's blocks of 16 bytes
	Profile   *board.Partition // nil: not known
}

// traits are how a partition is written.
type traits struct {
	medium    board.Medium
	unit      int64 // bytes of the smallest write
	programs  int   // how often a word may be programmed between erases; 0: as often as its bits allow
	rewrites  int64 // bytes that a write erases and programs anew; 0: none
	readOnly  bool
	guessed   bool // by the last row
	piecewise bool // a block device of which parts of an erased block are written
}

// A port is one row of the table.
type port struct {
	name   string
	always bool // whatever a profile says, since the port's own code is so
	match  func(f *Facts) bool
	traits traits
}

// ports is the table: the first row that matches counts. Where a profile says
// what the partition is, it counts instead; but no profile takes back what is
// always so.
var ports = []port{
	{"qemu", false, platform("qemu"), traits{medium: board.RAM, unit: 4, readOnly: true}},
	{"samd21", true, machine("SAMD21"), traits{medium: board.NOR, unit: 4, rewrites: 256}},
	{"samd51", true, platform("samd"), traits{medium: board.NOR, unit: 4, rewrites: 8 << 10}},
	{"renesas-ra", true, platform("renesas-ra"), traits{medium: board.ECC, unit: 2 << 10}},
	{"nrf", true, platform("nrf"), traits{medium: board.NOR, unit: 4, programs: 2}},
	{"esp32, encrypted", true, func(f *Facts) bool { return f.Encrypted }, traits{medium: board.ECC, unit: 16, piecewise: true}},
	// rp2 programs pages of 256 bytes, the others take them too.
	{"a block device", false, func(f *Facts) bool { return f.Kind == board.BlockDevice }, traits{medium: board.NOR, unit: 256}},
	{"alif, MRAM", false, func(f *Facts) bool { return f.Platform == "alif" && f.Erase == 16 }, traits{medium: board.MRAM, unit: 16}},
	// Internal flash, or not known to be external. It reports a smallest write of
	// 16 whatever its words have: 4 bytes here,
	{"stm32 without ECC", false, stm32("F2", "F4", "F7"), traits{medium: board.NOR, unit: 16}},
	// 8 or 16 here, 16 or 32 on the H7. Others are taken for the widest.
	{"stm32, words of 8 or 16 bytes", false, stm32("G0", "G4", "L4", "L5", "WB", "WL", "H5", "U5"), traits{medium: board.ECC, unit: 16}},
	{"stm32, words of 32 bytes", false, stm32(""), traits{medium: board.ECC, unit: 32}},
	{"any other", false, func(*Facts) bool { return true }, traits{medium: board.NOR, unit: 4, guessed: true}},
}

func platform(prefix string) func(*Facts) bool {
	return func(f *Facts) bool { return strings.HasPrefix(f.Platform, prefix) }
}

func machine(part string) func(*Facts) bool {
	return func(f *Facts) bool { return strings.Contains(f.Machine, part) }
}

// stm32Family is in sys.implementation._machine.
var stm32Family = lazyregexp.New(`STM32([A-Z]+[0-9])`)

// externalErase is what op 6 says of serial flash, and of no internal one.
const externalErase = 4096

// stm32 matches internal flash of those families, or of any.
func stm32(families ...string) func(*Facts) bool {
	return func(f *Facts) bool {
		if f.Platform != "pyboard" || f.Erase == externalErase {
			return false
		}
		family := stm32Family().FindStringSubmatch(f.Machine)
		for _, want := range families {
			if want == "" || family != nil && strings.HasPrefix(family[1], want) {
				return true
			}
		}
		return false
	}
}

// Of works out the geometry of a partition.
func Of(f Facts) Geometry {
	t, p := traitsOf(&f), f.Profile
	g := Geometry{Guessed: t.guessed, Size: f.Size, WordBits: f.WordBits, Erase: f.Erase, Unit: t.unit, ReadOnly: t.readOnly, Way: t.way()}
	if p != nil {
		// A simulated board has 64 bits, but stands for one that has 32.
		g.Base, g.WordBits = p.Base, 32
		if g.Erase == 0 && p.Erase > 1 {
			g.Erase = p.Erase
		}
	}
	if t.rewrites > 0 {
		g.Erase = max(g.Erase, t.rewrites)
	}
	switch {
	case f.Kind == board.BlockDevice && !t.piecewise:
		g.Erasing = ByWrite
	case t.medium.Overwrites() || t.rewrites > 0:
		g.Erasing = Never
	case f.Erase > 0:
		g.Erasing = EachBlock
	default:
		g.Erasing = FromStart
	}
	return g
}

// traitsOf is what the profile says, or else the table.
func traitsOf(f *Facts) traits {
	row := row(f)
	p := f.Profile
	if p == nil || p.Medium == "" || p.Write <= 0 && !p.ReadOnly {
		return row.traits
	}
	t := traits{medium: p.Medium, unit: max(p.Write, magicSize+1), // the magic in one write
		programs: p.Programs, rewrites: p.Rewrites, readOnly: p.ReadOnly,
		piecewise: p.Medium == board.ECC && f.Kind == board.BlockDevice}
	if row.always {
		t = t.and(row.traits)
	}
	return t
}

// and is what two accounts of a partition have in common: the stricter one, in
// each respect.
func (t traits) and(o traits) traits {
	if o.medium == board.ECC {
		t.medium, t.piecewise = o.medium, o.piecewise
	}
	t.unit, t.rewrites = max(t.unit, o.unit), max(t.rewrites, o.rewrites)
	if t.programs == 0 || o.programs > 0 && o.programs < t.programs {
		t.programs = o.programs
	}
	t.readOnly = t.readOnly || o.readOnly
	return t
}

// way is the order of writing that the traits ask for.
func (t traits) way() Way {
	switch {
	case t.medium.Overwrites():
		return Overwritten{t.unit}
	case t.rewrites > 0:
		return Rewritten{t.unit, t.rewrites}
	case t.medium == board.ECC || t.programs == 1:
		return ECC{t.unit}
	case t.programs == 2:
		return Twice{NOR{t.unit}}
	}
	return NOR{t.unit}
}

// row is the row of the table for a partition.
func row(f *Facts) *port {
	for i := range ports {
		if ports[i].match(f) {
			return &ports[i]
		}
	}
	panic("the last row matches everything")
}
