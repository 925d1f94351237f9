package export

import (
	"bufio"
	"encoding/binary"
)

// The format of UF2 files: github.com/microsoft/uf2.
const (
	uf2Payload = 256 // bytes of the image in each block: "always correct", whatever the size of a flash page
	uf2Block   = 512

	uf2Magic0     = 0x0a324655 // "UF2\n"
	uf2Magic1     = 0x9e5d5157
	uf2MagicEnd   = 0x0ab16f30
	uf2HaveFamily = 0x2000
)

func writeUF2(w *bufio.Writer, p payload, address, family uint32) {
	var block [uf2Block]byte
	var fill [uf2Payload]byte
	le := binary.LittleEndian
	le.PutUint32(block[0:], uf2Magic0)
	le.PutUint32(block[4:], uf2Magic1)
	le.PutUint32(block[8:], uf2HaveFamily)
	le.PutUint32(block[16:], uf2Payload)
	le.PutUint32(block[24:], uint32(p.size/uf2Payload))
	le.PutUint32(block[28:], family)
	le.PutUint32(block[508:], uf2MagicEnd)
	for offset := int64(0); offset < p.size; offset += uf2Payload {
		le.PutUint32(block[12:], address+uint32(offset))
		le.PutUint32(block[20:], uint32(offset/uf2Payload))
		copy(block[32:], p.at(offset, uf2Payload, fill[:]))
		w.Write(block[:])
	}
}
