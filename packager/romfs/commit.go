package romfs

import (
	"math/bits"
	"strings"
)

// A Commit is the last write of an image: that of its first unit, into memory
// that holds the rest of it.
type Commit struct {
	// Base is the address at which the partition is mapped, Size its length in
	// bytes.
	Base uint64
	Size int64

	// Unit is the number of bytes that the medium programs at once: what a
	// power cut can tear. An image's first unit is programmed last.
	Unit int

	// WordBits is the width of the board's addresses: 32, as 0 also means, or
	// 64 for an interpreter on a host.
	WordBits int

	// Before is what the first unit holds until then; nil means 0xff, erased
	// flash. Media without erase, such as MRAM, hold what was put there.
	Before []byte

	// Terminated tells that a zero byte follows the image, already programmed:
	// an unused record, at which the driver stops, so that a length that is too
	// long shows nothing more than the image.
	Terminated bool
}

// A Torn is what a board may mount after a power cut while the first unit of an
// image was programmed. Of that unit each bit has its old or its new value, in
// any combination; everything else is in place. The zero value means that every
// such state is refused (the driver finds no magic, or a length that exceeds the
// partition) or reads exactly as the whole image does.
type Torn struct {
	// Longer: the image's length reads too long, within the partition; what
	// follows the image shows as records. Harmless if Commit.Terminated.
	Longer bool
	// Shorter: it reads too short; entries are missing at the end.
	Shorter bool
	// Moved: the length ends at another byte; the board reads junk.
	Moved bool
	// Wrapped: base and length exceed the address space, which the driver does
	// not notice; it mounts an empty file system.
	Wrapped bool
	// Content: records, which begin within the unit, are incomplete.
	Content bool
}

// Safe tells that a board mounts nothing, or the whole image.
func (t Torn) Safe() bool { return t == Torn{} }

func (t Torn) String() string {
	var s []string
	for _, c := range []struct {
		is   bool
		what string
	}{
		{t.Longer, "the image with whatever follows it"},
		{t.Shorter, "the image without its end"},
		{t.Moved, "junk, through a length of another width"},
		{t.Wrapped, "an empty file system, through a length that wraps"},
		{t.Content, "the image with its first records incomplete"},
	} {
		if c.is {
			s = append(s, c.what)
		}
	}
	if s == nil {
		return "nothing, or the whole image"
	}
	return strings.Join(s, "; or ")
}

// TornCommit tells what a board may mount if power fails while the first unit of
// an image is programmed, after everything else has been. image is the whole
// image, or at least its first unit and the rest of its header; size is the
// image's.
//
// Which sequence is safe depends on the medium:
//
//   - Where a byte programmed as 0xff stays erased and can be programmed later
//     (NOR flash without ECC), program the unit twice: first with 0xff for the
//     three bytes of the magic, then 0xff for all but these. The last step tears
//     nothing but the magic, so it is safe for every image, and Unit is 3.
//   - Where a unit is programmed once for each erase (ECC words), it must hold
//     nothing that matters: magic, and leading length bytes that a 32-bit board
//     shifts out. That takes [StableHeader] bytes of length, which layouts Compact
//     and Stable have with [Options].WriteUnit. Other images can be committed, not safely: most often Longer, against
//     which a zero byte behind the image helps, and Content.
//   - Where nothing is erased and any byte can be written again (MRAM), write
//     zeros for the magic and the final bytes for the rest of the unit, then the
//     whole unit, of which only the magic changes: safe for every image. Zeros
//     for all of the unit would not do: a length byte that starts out as zero can
//     end a length too early.
//
// A word with ECC that was torn may also fault when it is read; no bytes help
// against that.
func TornCommit(image []byte, size int64, m Commit) Torn {
	var t Torn
	header := len(Magic)
	for header < len(image) && image[header] >= 0x80 {
		header++
	}
	header++ // of the whole image, its last length byte included

	word := uint64(1<<32 - 1)
	if m.WordBits == 64 {
		word = 1<<64 - 1
	}
	// The bytes of the length: those bits that are sure, and those that may be
	// set as well.
	var sure, free uint64
	for i := len(Magic); ; i++ {
		if i >= len(image) {
			t.Moved = true // on into bytes that we do not know
			break
		}
		flips := m.flips(image, i)
		fixed := image[i] &^ flips
		sure = (sure<<7 | uint64(fixed&0x7f)) & word
		free = (free<<7 | uint64(flips&0x7f)) & word
		if (fixed|flips)&0x80 == 0 || flips&0x80 != 0 {
			t.add(m.lengths(int64(i)+1, sure, free, word), i+1 == header, uint64(size-int64(header))&word)
		}
		if (fixed|flips)&0x80 == 0 {
			break
		}
	}
	for i := header; i < min(m.Unit, len(image)); i++ {
		t.Content = t.Content || m.flips(image, i) != 0
	}
	t.Longer = t.Longer && !m.Terminated
	return t
}

// flips are the bits of byte i that a torn unit may leave at their old value.
func (m Commit) flips(image []byte, i int) byte {
	switch {
	case i >= m.Unit:
		return 0
	case i < len(m.Before):
		return m.Before[i] ^ image[i]
	case m.Before == nil:
		return 0xff ^ image[i]
	}
	return 0
}

// A lengthSet is every length that reads as sure with any of the bits in free.
type lengthSet struct {
	sure, free uint64
	room       uint64 // the largest length that fits the partition
	wrap       uint64 // the smallest that wraps; 0: none
}

func (m Commit) lengths(header int64, sure, free, word uint64) lengthSet {
	start := m.Base + uint64(header)
	return lengthSet{sure: sure, free: free, room: uint64(max(m.Size-header, 0)), wrap: (word - start + 1) & word}
}

// add notes which lengths of a set the driver accepts, apart from the right one.
func (t *Torn) add(s lengthSet, inPlace bool, right uint64) {
	if s.wrap != 0 && s.sure|s.free >= s.wrap {
		t.Wrapped = true
	}
	if !inPlace {
		t.Moved = t.Moved || s.sure <= s.room
		return
	}
	t.Shorter = t.Shorter || s.sure < right
	// The next longer length sets the lowest bit that is free and not set in
	// the right one, and clears the free bits below.
	if zero := s.free &^ right; zero != 0 {
		bit := uint64(1) << bits.TrailingZeros64(zero)
		t.Longer = t.Longer || (right|bit)&^(s.free&(bit-1)) <= s.room
	}
}

// StableHeader is the width in bytes of the outer length with which an image's
// first unit bytes can be torn at will, for [TornCommit] to be safe on any 32-bit
// board: five bytes behind the unit hold 35 bits, so that whatever the bytes
// before them read as is shifted out of the length.
//
// It stays within the 9 bytes that mpremote's query can read up to units of 7. A
// unit of 0 counts as 4.
func StableHeader(unit int64) int {
	if unit < 1 {
		unit = 4
	}
	return max(int(unit)-len(Magic), 0) + 5
}
