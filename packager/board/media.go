package board

// A Medium is what a partition lies in.
type Medium string

// The media.
const (
	NOR  Medium = "nor"  // erased to ones; programming clears bits, in any number of steps
	ECC  Medium = "ecc"  // words that are programmed once after each erase
	MRAM Medium = "mram" // written in place, without an erase
	RAM  Medium = "ram"  // the same; emulated machines
)

// Overwrites tells media whose cells take any value at any time.
func (m Medium) Overwrites() bool { return m == MRAM || m == RAM }

// Name is what people call the medium.
func (m Medium) Name() string {
	return map[Medium]string{NOR: "NOR flash", ECC: "ECC flash", MRAM: "MRAM", RAM: "RAM"}[m]
}

// A SegmentKind is what vfs.rom_ioctl(2) returns for a partition: how it is
// accessed.
type SegmentKind string

// The kinds of segment.
const (
	AnySegment  SegmentKind = ""           // in a profile: either
	Memoryview  SegmentKind = "memoryview" // written through vfs.rom_ioctl
	BlockDevice SegmentKind = "blockdev"   // written through its own methods
)

// Name is what people call the kind.
func (k SegmentKind) Name() string {
	return map[SegmentKind]string{AnySegment: "memoryview or block device", Memoryview: "memoryview", BlockDevice: "block device"}[k]
}
