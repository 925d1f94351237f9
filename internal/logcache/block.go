package logcache

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"

	"rules_romfs/internal/filecache"
)

// A log is a sequence of blocks:
//
//	magic     8 bytes
//	rows      uint32, number of results
//	checksum  uint32, CRC-32 (IEEE) of the index
//	index     for each result its key, 32 bytes, and a uint32, its length
//	results   each a sha256 and the content that it is of
//
// Numbers are little-endian. What is no block, because a disk was full or a
// machine lost power, is passed over up to the next magic.
const (
	magic   = "romfslog"
	headLen = len(magic) + 4 + 4
	rowLen  = sha256.Size + 4
)

// size is what r takes in a block.
func (r *result) size() int { return rowLen + sha256.Size + len(r.content) }

// encode returns the block of these results.
func encode(results []result) []byte {
	size := headLen
	for i := range results {
		size += results[i].size()
	}
	b := append(make([]byte, 0, size), magic...)
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
func (c *Cache) index(log *os.File) {
	info, err := log.Stat()
	if err != nil {
		return
	}
	buf := make([]byte, 4<<10) // holds most indices: those of small changes
	// A block that was cut off is followed by the next one before its own end: from
	// is where to look if at the end of a block no other begins.
	for at, from := int64(0), int64(0); at != info.Size(); {
		rows := readIndex(log, at, &buf)
		if rows == nil {
			at = nextMagic(log, from, info.Size())
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

// readIndex returns the index of the block at an offset, or nil if there is no
// block. It is read into buf, which grows where it must.
func readIndex(log *os.File, at int64, buf *[]byte) []byte {
	n, err := log.ReadAt(*buf, at)
	if err != nil && err != io.EOF || n < headLen || string((*buf)[:len(magic)]) != magic {
		return nil
	}
	count := int64(binary.LittleEndian.Uint32((*buf)[len(magic):]))
	end := int64(headLen) + count*int64(rowLen)
	if count == 0 || end > maxIndex {
		return nil
	}
	if end > int64(n) {
		*buf = make([]byte, end)
		if _, err := log.ReadAt(*buf, at); err != nil {
			return nil
		}
	}
	rows := (*buf)[headLen:end]
	if crc32.ChecksumIEEE(rows) != binary.LittleEndian.Uint32((*buf)[headLen-4:]) {
		return nil
	}
	return rows
}

// maxIndex bounds what is read as an index: even of empty results a block has no
// more before it is written.
const maxIndex = writeAt

// nextMagic returns the offset of the first magic from an offset on, or size.
func nextMagic(log *os.File, from, size int64) int64 {
	r := bufio.NewReaderSize(io.NewSectionReader(log, from, size-from), 64<<10)
	for {
		b, err := r.Peek(r.Size())
		if i := bytes.Index(b, []byte(magic)); i >= 0 {
			return from + int64(i)
		}
		if err != nil {
			return size
		}
		skipped, _ := r.Discard(len(b) - len(magic) + 1)
		from += int64(skipped)
	}
}
