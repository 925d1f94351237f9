package device

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"strconv"
)

// A checksum is one way to guard frames: what the host computes, and the files of the
// program with which the board computes the same.
type checksum struct {
	sum   func(a, b []byte) uint32
	files []string
}

// The checksums, best first. Which one is used depends on the firmware's
// modules: esp8266 has no crc32, small builds no hashlib.
var (
	checkCRC = checksum{
		func(a, b []byte) uint32 { return crc32.Update(crc32.ChecksumIEEE(a), crc32.IEEETable, b) },
		[]string{"crc32", "check_sum32"},
	}
	checkSHA = checksum{
		func(a, b []byte) uint32 {
			h := sha256.New()
			h.Write(a)
			h.Write(b)
			return binary.BigEndian.Uint32(h.Sum(nil))
		},
		[]string{"check_sha256"},
	}
	checkAdler = checksum{
		func(a, b []byte) uint32 { return adler32.Checksum(append(bytes.Clone(a), b...)) },
		[]string{"adler32", "check_sum32"},
	}
)

// checksum returns the best checksum that the firmware has.
func (f Features) checksum() checksum {
	switch {
	case f.CRC32:
		return checkCRC
	case f.SHA256:
		return checkSHA
	}
	return checkAdler
}

// escape replaces the bytes that a REPL acts upon, and the escape itself, by
// two each. Ctrl-C is among them, so it can only ever come from a person (or
// from a damaged line, which looks the same).
func escape(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/32)
	for _, c := range b {
		if c >= 1 && c <= 5 || c == 0x10 {
			out = append(out, 0x10, c+0x40)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// deflater compresses frames one by one.
type deflater struct {
	w   *flate.Writer
	buf bytes.Buffer
}

// deflate returns the raw deflate form of b. Every distance in it is below
// len(b), so a window of len(b) bytes is enough to inflate it.
func (d *deflater) deflate(b []byte) []byte {
	d.buf.Reset()
	if d.w == nil {
		d.w, _ = flate.NewWriter(&d.buf, flate.BestCompression) // the level is a valid one
	} else {
		d.w.Reset(&d.buf)
	}
	d.w.Write(b) // a bytes.Buffer takes everything
	d.w.Close()
	return d.buf.Bytes()
}

// encodeFrame returns a frame as it goes over the wire: header as in link.py,
// then the escaped payload, deflated first if z is given and that is shorter.
func encodeFrame(c checksum, z *deflater, kind, seq byte, payload []byte) []byte {
	body := escape(payload)
	if z != nil && len(payload) > 32 {
		// It must differ in length from the payload: so the board tells.
		if small := escape(z.deflate(payload)); len(small) < len(body) && len(z.buf.Bytes()) != len(payload) {
			body = small
		}
	}
	head := fmt.Appendf(nil, "%c%02x%04x%04x", kind, seq, len(body), len(payload))
	head = fmt.Appendf(head, "%08x", c.sum(head, body))
	sum := byte(0)
	for _, b := range head {
		sum += b
	}
	return append(fmt.Appendf([]byte{'~'}, "%s%02x", head, sum), body...)
}

// answerHead is the length of an answer's header, with the "~".
const answerHead = 16

// An answer is what the board says to one frame.
type answer struct {
	kind byte // '=' done, '!' an exception, '?' the frame was damaged, 'm' it takes too much memory
	seq  byte // of the frame; with '?' and 'm', of the last good one
	body []byte
}

// What parseAnswer found.
const (
	broken  = iota // no answer begins here
	partial        // the beginning of one
	whole
)

// parseAnswer reads the answer that begins with the "~" at b[0].
func parseAnswer(c checksum, b []byte) (a answer, size, state int) {
	if len(b) < answerHead {
		return a, 0, partial
	}
	seq, err1 := strconv.ParseUint(string(b[2:4]), 16, 8)
	length, err2 := strconv.ParseUint(string(b[4:8]), 16, 16)
	sum, err3 := strconv.ParseUint(string(b[8:16]), 16, 32)
	if bytes.IndexByte([]byte("=!?m"), b[1]) < 0 || err1 != nil || err2 != nil || err3 != nil {
		return a, 0, broken
	}
	size = answerHead + int(length)
	if len(b) < size {
		return a, 0, partial
	}
	body := b[answerHead:size]
	if c.sum(b[1:8], body) != uint32(sum) {
		return a, 0, broken
	}
	return answer{b[1], byte(seq), bytes.Clone(body)}, size, whole
}
