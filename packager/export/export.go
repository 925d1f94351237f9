// Package export writes an image in the forms that programmers of flash
// memory take, instead of the board's own firmware: raw bytes, DfuSe, UF2 and
// Intel HEX.
package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"rules_romfs/packager/report"
)

// A Format is a form of file.
type Format string

// The formats. Their names are also the extensions of the files.
const (
	Raw   Format = "img" // the bytes, as they lie in the partition
	DfuSe Format = "dfu" // STMicroelectronics' extension of USB DFU, with an address
	UF2   Format = "uf2" // blocks for bootloaders that are a USB drive
	Hex   Format = "hex" // Intel HEX, with extended linear addresses
)

// Formats lists the formats.
func Formats() []Format { return []Format{Raw, DfuSe, UF2, Hex} }

// ParseFormat returns the format of that name.
func ParseFormat(s string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if s == string(f) {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("%q is no format: it is %s", s, strings.Join(names, ", "))
}

// Addressed reports whether files of the format say where the image goes.
func (f Format) Addressed() bool { return f != Raw }

// Erased is what erased NOR flash reads as, so padding with it programs nothing.
const Erased = 0xff

// Options say how an image is written.
type Options struct {
	Format  Format
	Address uint64 // of the image's first byte; unused for Raw
	Pad     int64  // the image is filled with 0xff up to a multiple of so many bytes; 0 and 1: not at all
	Target  Target // for DfuSe
	Family  uint32 // for UF2: whose bootloader takes the file
}

// A Target is whom a DfuSe file is for.
type Target struct {
	Name            string // of the alternate setting, for people; cut off at 254 bytes
	Alt             uint8  // the alternate setting
	Vendor, Product uint16 // of the bootloader; AnyID: any
}

// AnyID stands for every vendor or product in a DFU suffix.
const AnyID = 0xffff

// ErrAddress is the cause of an error about addresses that a format cannot
// hold.
var ErrAddress = errors.New("the address does not fit the format")

// Padded returns how many bytes of flash a file for an image of that size fills.
func (o Options) Padded(size int64) int64 {
	unit := max(o.Pad, 1)
	if o.Format == UF2 && unit%uf2Payload != 0 {
		// Each block of the file carries so much, whatever was asked for.
		size = roundUp(size, unit)
		unit = uf2Payload
	}
	return roundUp(size, unit)
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

// Write writes an image. Nothing is written if the options do not allow it.
func Write(w io.Writer, image []byte, o Options) error {
	size := o.Padded(int64(len(image)))
	if o.Format.Addressed() && (o.Address > math.MaxUint32 || uint64(size) > math.MaxUint32+1-o.Address) {
		return fmt.Errorf("%w: %s at %#x do not end below 4 GiB, as %s needs", ErrAddress, report.Plural(size, "byte"), o.Address, o.Format)
	}
	if o.Format == UF2 && o.Address%uf2Payload != 0 {
		return fmt.Errorf("%w: %#x is no multiple of %d, as UF2 needs", ErrAddress, o.Address, uf2Payload)
	}
	b := bufio.NewWriterSize(w, 64<<10)
	p := payload{image, size}
	switch o.Format {
	case Raw:
		p.writeTo(b)
	case DfuSe:
		writeDfuSe(b, p, uint32(o.Address), o.Target)
	case UF2:
		writeUF2(b, p, uint32(o.Address), o.Family)
	case Hex:
		writeHex(b, p, uint32(o.Address))
	default:
		return fmt.Errorf("%q is no format", o.Format)
	}
	return b.Flush() // has the first error of all writes
}

// A payload is an image with what fills it up.
type payload struct {
	image []byte
	size  int64 // with the padding
}

// at returns n bytes of the payload, in buf where padding is among them.
func (p payload) at(offset int64, n int, buf []byte) []byte {
	if rest := p.image[min(offset, int64(len(p.image))):]; len(rest) >= n {
		return rest[:n]
	} else {
		buf = append(buf[:0], rest...)
	}
	for len(buf) < n {
		buf = append(buf, Erased)
	}
	return buf
}

// writeTo writes all of it.
func (p payload) writeTo(w io.Writer) {
	w.Write(p.image)
	var fill [4096]byte
	for i := range fill {
		fill[i] = Erased
	}
	for left := p.size - int64(len(p.image)); left > 0; left -= int64(len(fill)) {
		w.Write(fill[:min(left, int64(len(fill)))])
	}
}
