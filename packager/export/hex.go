package export

import "bufio"

// The types of records of Intel's Hexadecimal Object File Format, revision A.
const (
	hexData     = 0
	hexEnd      = 1
	hexExtended = 4 // extended linear address: the upper 16 bits of what follows
)

// hexBytes is how much of the image a record has: what most tools write, and
// the most that some read.
const hexBytes = 16

func writeHex(w *bufio.Writer, p payload, address uint32) {
	var buf [hexBytes]byte
	upper := -1
	for offset := int64(0); offset < p.size; {
		at := address + uint32(offset)
		if int(at>>16) != upper {
			upper = int(at >> 16)
			hexRecord(w, hexExtended, 0, []byte{byte(upper >> 8), byte(upper)})
		}
		// A record does not reach beyond its 64 KiB.
		n := min(hexBytes, p.size-offset, 1<<16-int64(at&0xffff))
		hexRecord(w, hexData, uint16(at), p.at(offset, int(n), buf[:]))
		offset += n
	}
	hexRecord(w, hexEnd, 0, nil)
}

func hexRecord(w *bufio.Writer, kind byte, address uint16, data []byte) {
	var line [1 + 2*(5+hexBytes) + 1]byte
	line[0] = ':'
	n, sum := 1, byte(0)
	put := func(b byte) {
		const digits = "0123456789ABCDEF"
		line[n], line[n+1] = digits[b>>4], digits[b&15]
		n, sum = n+2, sum+b
	}
	put(byte(len(data)))
	put(byte(address >> 8))
	put(byte(address))
	put(kind)
	for _, b := range data {
		put(b)
	}
	put(-sum)
	line[n] = '\n'
	w.Write(line[:n+1])
}
