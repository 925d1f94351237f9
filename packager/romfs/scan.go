package romfs

import (
	"errors"
	"io"
	"math"
)

// errEnd is what a scan meets where the driver stops without a word: a varuint
// that its limit cuts off.
var errEnd = errors.New("truncated number")

// A cursor reads an image in small pieces: in place if it is in memory, else
// through a buffer of its own. It is not safe for concurrent use.
type cursor struct {
	mem  []byte // the whole image, or nil
	r    io.ReaderAt
	size int64
	base int64 // the outer payload, once it is known

	buf    []byte
	bufOff int64
}

// cursorBuffer is enough for the records of many small files, and little to
// read for one large file.
const cursorBuffer = 4096

// window returns at least one byte, and all that is at hand, from off up.
// off must be less than the size.
func (c *cursor) window(off int64) ([]byte, error) {
	if c.mem != nil {
		return c.mem[off:], nil
	}
	if off >= c.bufOff && off < c.bufOff+int64(len(c.buf)) {
		return c.buf[off-c.bufOff:], nil
	}
	if c.buf == nil {
		c.buf = make([]byte, cursorBuffer)
	}
	n, err := c.r.ReadAt(c.buf[:min(cursorBuffer, c.size-off)], off)
	c.buf, c.bufOff = c.buf[:n], off
	if n == 0 {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return c.buf, nil
}

// string returns the bytes from off to end.
func (c *cursor) string(off, end int64) (string, error) {
	b, err := c.append(nil, off, end)
	return string(b), err
}

// append appends the bytes from off to end to b.
func (c *cursor) append(b []byte, off, end int64) ([]byte, error) {
	for off < end {
		w, err := c.window(off)
		if err != nil {
			return b, err
		}
		w = w[:min(int64(len(w)), end-off)]
		b = append(b, w...)
		off += int64(len(w))
	}
	return b, nil
}

// uint decodes the varuint at off and returns the offset behind it. At limit it
// ends with errEnd. A value beyond 63 bits becomes math.MaxInt64, which exceeds
// every limit that a value is compared with.
func (c *cursor) uint(off, limit int64) (v, next int64, err error) {
	limit = min(limit, c.size)
	for off < limit {
		w, err := c.window(off)
		if err != nil {
			return 0, 0, err
		}
		w = w[:min(int64(len(w)), limit-off)]
		for i, b := range w {
			if v > math.MaxInt64>>7 {
				v = math.MaxInt64
			} else {
				v = v<<7 | int64(b&0x7f)
			}
			if b < 0x80 {
				return v, off + int64(i) + 1, nil
			}
		}
		off += int64(len(w))
	}
	return 0, 0, errEnd
}

// A record is the head of a record.
type record struct {
	kind   int64
	offset int64 // of the record
	body   int64 // of its payload
	end    int64 // of its payload, not checked against anything; MaxInt64 if it overflows
}

// record decodes the head of the record at off, which must end before limit.
func (c *cursor) record(off, limit int64) (r record, err error) {
	r.offset = off
	if r.kind, off, err = c.uint(off, limit); err != nil {
		return r, err
	}
	length, off, err := c.uint(off, limit)
	if err != nil {
		return r, err
	}
	r.body = off
	if r.end = math.MaxInt64; length <= math.MaxInt64-off {
		r.end = off + length
	}
	return r, nil
}
