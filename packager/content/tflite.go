package content

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A TensorFlow Lite model is a FlatBuffer: a table at the place that the first
// word names, whose fields are found through a table of offsets in front of it.
// The weights lie in the vectors of the field buffers (schema.fbs: Model.buffers,
// Buffer.data); where one of them ends behind the file, the file is cut off.
const (
	modelBuffers = 4 // number of the field buffers of Model
	bufferData   = 0 // of data in Buffer
	maxBuffers   = 1 << 16
)

var errOutside = errors.New("its tables lead out of the file")

// A flat reads a FlatBuffer. After the first error it stays at it.
type flat struct {
	r    io.ReaderAt
	size int64
	err  error
}

func checkTFLite(r io.ReaderAt, size int64) error {
	f := &flat{r: r, size: size}
	root := f.offset(0)
	if f.err != nil || root+4 > size {
		return errOutside
	}
	buffers := f.field(root, modelBuffers)
	if f.err != nil || buffers == 0 {
		return nil // not laid out as the schema has it: nothing to measure by
	}
	vector := f.offset(buffers)
	count := f.word(vector)
	if count > maxBuffers {
		return nil // so many are not looked through
	}
	for i := range count {
		data := f.field(f.offset(vector+4+4*i), bufferData)
		if data == 0 {
			continue // an empty buffer
		}
		at := f.offset(data)
		if end := at + 4 + f.word(at); f.err == nil && end > size {
			return fmt.Errorf("buffer %d of %d ends at %d, and the file has %d bytes", i, count, end, size)
		}
	}
	return f.err
}

// read returns n bytes at a place, little-endian.
func (f *flat) read(at int64, n int) uint32 {
	var b [4]byte
	if f.err != nil || at < 0 || at+int64(n) > f.size {
		f.err = errOutside
		return 0
	}
	if m, _ := f.r.ReadAt(b[:n], at); m < n {
		f.err = errOutside
		return 0
	}
	return binary.LittleEndian.Uint32(b[:])
}

func (f *flat) word(at int64) int64 { return int64(f.read(at, 4)) }

// offset follows the offset that stands at a place and counts from there.
func (f *flat) offset(at int64) int64 { return at + f.word(at) }

// field returns the place of a field of the table at a place; 0 if it is not there.
func (f *flat) field(table int64, number int64) int64 {
	offsets := table - int64(int32(f.read(table, 4)))
	entry := 4 + 2*number
	if entry+2 > int64(f.read(offsets, 2)) {
		return 0
	}
	n := int64(f.read(offsets+entry, 2))
	if n == 0 {
		return 0
	}
	return table + n
}
