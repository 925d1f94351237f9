package logcache

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"

	"rules_romfs/internal/filecache"
)

// A log is a sequence of blocks:
//
//	mark      8 bytes, those in the name of the log
//	rows      uint32, number of results
//	checksum  uint32, CRC-32 (IEEE) of the index
//	index     for each result its key, 32 bytes, and a uint32, its length
//	results   each a sha256 and the content that it is of
//
// Numbers are little-endian. What is no block, because a disk was full or a
// machine lost power, is passed over up to the next mark.
const (
	markLen = 8
	headLen = markLen + 4 + 4
	rowLen  = sha256.Size + 4
)

// size is what r takes in a block.
func (r *result) size() int { return rowLen + sha256.Size + len(r.content) }

// encode returns the block of these results, which take size bytes, without a mark.
func encode(results []result, size int) []byte {
	b := make([]byte, markLen, headLen+size)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(results)))
	b = append(b, 0, 0, 0, 0)
	for _, r := range results {
		b = append(b, r.key[:]...)
		b = binary.LittleEndian.AppendUint32(b, uint32(sha256.Size+len(r.content)))
	}
	binary.LittleEndian.PutUint32(b[headLen-4:], crc32.ChecksumIEEE(b[headLen:]))
	for _, r := range results {
		b = append(append(b, r.sum[:]...), r.content...)
	}
	return b
}

// index notes the places of all results of a log.
func (c *Cache) index(log *log) {
	info, err := log.file.Stat()
	if err != nil {
		return
	}
	w := window{log: log}
	// A block that was cut off is followed by the next one before its own end: from
	// is where to look if at the end of a block no other begins.
	for at, from := int64(0), int64(0); at != info.Size(); {
		rows := w.index(at)
		if rows == nil {
			at = nextMark(log, from, info.Size())
			from = at + 1
			continue
		}
		at += int64(headLen + len(rows))
		from = at
		for ; len(rows) > 0; rows = rows[rowLen:] {
			length := binary.LittleEndian.Uint32(rows[sha256.Size:])
			if length >= sha256.Size && int64(length) <= c.limits.Entry+sha256.Size {
				c.places[filecache.Key(rows)] = place{log, at, length}
			}
			at += int64(length)
		}
	}
}

// A window is the part of a log that was read last: enough for many small
// blocks, and of large ones not much more than the index.
type window struct {
	log *log
	at  int64
	b   []byte
}

const (
	windowLen = 64 << 10
	maxIndex  = writeAt // even of empty results a block has no more before it is written
)

// index returns the index of the block at an offset, or nil if there is no block.
func (w *window) index(at int64) []byte {
	head := w.read(at, headLen)
	if head == nil || [markLen]byte(head) != w.log.mark {
		return nil
	}
	count, sum := binary.LittleEndian.Uint32(head[markLen:]), binary.LittleEndian.Uint32(head[headLen-4:])
	if count == 0 || count > maxIndex/uint32(rowLen) {
		return nil
	}
	rows := w.read(at+int64(headLen), int(count)*rowLen)
	if rows == nil || crc32.ChecksumIEEE(rows) != sum {
		return nil
	}
	return rows
}

// read returns n bytes from an offset on, which are valid until the next read,
// or nil if the log ends before.
func (w *window) read(at int64, n int) []byte {
	if at < w.at || at+int64(n) > w.at+int64(len(w.b)) {
		w.b = slices.Grow(w.b[:0], max(n, windowLen))
		got, err := w.log.file.ReadAt(w.b[:cap(w.b)], at)
		if err != nil && err != io.EOF {
			got = 0
		}
		w.at, w.b = at, w.b[:got]
		if got < n {
			return nil
		}
	}
	return w.b[at-w.at:][:n]
}

// nextMark returns the offset of the first mark from an offset on, or size.
func nextMark(log *log, from, size int64) int64 {
	r := bufio.NewReaderSize(io.NewSectionReader(log.file, from, size-from), windowLen)
	for {
		b, err := r.Peek(r.Size())
		if i := bytes.Index(b, log.mark[:]); i >= 0 {
			return from + int64(i)
		}
		if err != nil {
			return size
		}
		skipped, _ := r.Discard(len(b) - markLen + 1)
		from += int64(skipped)
	}
}
