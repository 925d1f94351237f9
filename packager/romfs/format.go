package romfs

// Magic is the minimal encoding of the outer record's kind, 0x14a6b1: "RM1"
// with the high bits of the first two letters set. The driver compares these
// three raw bytes, so this kind alone may not be padded (vfs_rom.c,
// ROMFS_HEADER_BYTE0..2).
const Magic = "\xd2\xcd\x31"

// The kinds of a record (vfs_rom.c, ROMFS_RECORD_KIND_*; the same names in
// mpremote's romfs.py). Readers skip any other kind.
const (
	kindUnused    = 0 // never written: the driver stops scanning a directory at it
	kindPadding   = 1 // a gap or a comment, with any payload
	kindData      = 2 // the content of a file, verbatim
	kindPointer   = 3 // varuint size, varuint offset from the outer payload
	kindDirectory = 4 // varuint name length, name, records
	kindFile      = 5 // varuint name length, name, records
)

const (
	// minImage is the shortest image: the magic and a one-byte length. The
	// driver refuses anything shorter (vfs_rom.c, ROMFS_SIZE_MIN).
	minImage = 4

	// maxHeaderLength is the widest length field that we give the outer record
	// where the layout is free to choose: mpremote's query reads 12 bytes,
	// three of them the magic, and would report the size as 0 beyond it
	// (mpremote commands.py, do_romfs query).
	maxHeaderLength = 9

	// maxKind bounds what a kind or length means on every board: the driver
	// decodes into a machine word without an overflow check (vfs_rom.c,
	// mp_decode_uint_checked), so beyond 32 bits it depends on the board.
	maxKind = 1<<32 - 1

	// MaxSize is the largest image that this package lays out: boards address
	// 32 bits, and a larger length wraps there.
	MaxSize = 1<<32 - 1

	// MaxPaths is how many bytes the paths of all files and directories of an
	// image that this package lays out may have together: an image of a few MiB
	// could nest a million directories, whose paths would not fit into any memory.
	// That of 20,000 files has about 1 MiB.
	MaxPaths = 64 << 20

	// MaxDepth is how deep directories may nest in an image that this package
	// lays out. The format has no limit; but every entry's path is spelled out
	// in a plan, and mpremote's builder, which recurses, ends near the same
	// depth (Python's default recursion limit).
	MaxDepth = 1000
)

// uintLen returns the number of bytes of v's shortest varuint.
func uintLen(v int64) int {
	n := 1
	for v >>= 7; v > 0; v >>= 7 {
		n++
	}
	return n
}

// appendUint appends v's varuint in exactly width bytes, or in its shortest
// form where that is longer than width. The 0x80 bytes in front are the legal
// padding of the format.
func appendUint(b []byte, v int64, width int) []byte {
	n := uintLen(v)
	for ; width > n; width-- {
		b = append(b, 0x80)
	}
	for n--; n > 0; n-- {
		b = append(b, 0x80|byte(v>>(7*n)))
	}
	return append(b, byte(v)&0x7f)
}
