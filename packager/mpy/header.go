package mpy

import (
	"errors"
	"fmt"
)

// A Header is what the first bytes of a .mpy file say about who can load it.
type Header struct {
	Version      uint8  // .mpy version: 6 since MicroPython 1.19
	SubVersion   uint8  // version of the native ABI, 0 to 3; 0 in files without native code
	Arch         Arch   // ArchNone in files without native code
	SmallIntBits int    // bits of a small integer that constants may use
	HasArchFlags bool   // ArchFlags are in the file; only RISC-V firmware reads such a file
	ArchFlags    uint64 // instruction set extensions that the native code uses
}

// Layout of the header (py/persistentcode.h, "MPY_FEATURE_*"): 'M', version,
// flags, small-int bits; flags are the sub-version in bits 0 and 1, the
// architecture in bits 2 to 5 and 7, and in bit 6 whether a varuint of
// architecture flags follows.
const (
	headerLen     = 4
	subMask       = 0x03
	archShift     = 2
	archMask      = 0x2f
	archFlagsMask = 0x40
)

// ErrNotMPY is the reason of [ParseHeader] when the data is no .mpy file.
var ErrNotMPY = errors.New("not a .mpy file: it does not start with the letter M and a header of 4 bytes")

// ParseHeader reads the header of a .mpy file. It looks at the first 14 bytes at
// most, and refuses what MicroPython's loader would read wrongly.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < headerLen || b[0] != 'M' {
		return Header{}, ErrNotMPY
	}
	h := Header{
		Version:      b[1],
		SubVersion:   b[2] & subMask,
		Arch:         Arch(b[2] >> archShift & archMask),
		SmallIntBits: int(b[3]),
	}
	if b[2]&archFlagsMask != 0 {
		h.HasArchFlags = true
		flags, _, err := varuint(b[headerLen:])
		if err != nil {
			return Header{}, fmt.Errorf("damaged .mpy header: architecture flags: %w", err)
		}
		h.ArchFlags = flags
	}
	return h, nil
}

// varuint decodes a big-endian base-128 number, as .mpy files and ROMFS use it,
// and returns how many bytes it takes.
func varuint(b []byte) (v uint64, n int, err error) {
	for i, c := range b {
		if v>>(64-7) != 0 {
			return 0, 0, errors.New("the number has more than 64 bits")
		}
		v = v<<7 | uint64(c&0x7f)
		if c&0x80 == 0 {
			return v, i + 1, nil
		}
	}
	return 0, 0, errors.New("the file ends in the middle of a number")
}
