package export

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
)

// The sizes in bytes of the parts of a DfuSe file (STMicroelectronics UM0391,
// DfuSe file format specification, version 1.1a).
const (
	dfusePrefix  = 11
	targetPrefix = 274
	elementHead  = 8
	dfuSuffix    = 16
)

// dfuVersion is bcdDFU of files in the DfuSe format.
const dfuVersion = 0x011a

// writeDfuSe writes a file with one target of one element.
func writeDfuSe(w *bufio.Writer, p payload, address uint32, t Target) {
	sum := crc32.NewIEEE()
	all := io.MultiWriter(w, sum)
	le := binary.LittleEndian

	head := append([]byte("DfuSe"), 1)
	element := elementHead + uint32(p.size)
	head = le.AppendUint32(head, dfusePrefix+targetPrefix+element+dfuSuffix)
	head = append(head, 1) // targets

	head = append(head, "Target"...)
	head = append(head, t.Alt)
	head = le.AppendUint32(head, 1) // it has a name
	var name [255]byte
	copy(name[:len(name)-1], t.Name)
	head = append(head, name[:]...)
	head = le.AppendUint32(head, element)
	head = le.AppendUint32(head, 1) // elements

	head = le.AppendUint32(head, address)
	head = le.AppendUint32(head, uint32(p.size))
	all.Write(head)
	p.writeTo(all)

	tail := le.AppendUint16(nil, 0) // release of the device
	tail = le.AppendUint16(tail, t.Product)
	tail = le.AppendUint16(tail, t.Vendor)
	tail = le.AppendUint16(tail, dfuVersion)
	tail = append(tail, "UFD"...)
	tail = append(tail, dfuSuffix)
	all.Write(tail)
	// DFU's CRC is the usual one without the inversion at its end (USB DFU 1.1,
	// appendix B).
	w.Write(le.AppendUint32(nil, ^sum.Sum32()))
}
