package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"rules_romfs/packager/device"
	"rules_romfs/packager/romfs"
)

// lost finds out which files disappear for good: those of an image that was not
// deployed from here, and that the new one does not have. Models that a board was
// sold with are such files.
func (j *job) lost(ctx context.Context, rom *device.ROM, p *plan) error {
	size, _, err := rom.Image()
	if err != nil || j.kept(rom, p, size) != nil {
		return nil // nothing is there, or it can be deployed again
	}
	r := &romReader{ctx: ctx, rom: rom}
	old, err := filesOf(romfs.Open(r, rom.Size))
	if r.err != nil {
		return r.err
	}
	if err != nil {
		j.warnOnce("%s: partition %d holds an image that was not deployed from here, and whose files cannot be listed (%v); it will be replaced", j.b.Port, j.seg.Index, err)
		return nil
	}
	files, err := filesOf(romfs.Parse(j.req.Image))
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for _, name := range files {
		has[name] = true
	}
	j.result.Lost = nil
	for _, name := range old {
		if !has[name] {
			j.result.Lost = append(j.result.Lost, name)
		}
	}
	j.sayLost()
	return nil
}

// shownFiles is how many names a message has at most; the result has all.
const shownFiles = 8

func (j *job) sayLost() {
	list := j.result.Lost
	if len(list) == 0 {
		return
	}
	names := strings.Join(list[:min(len(list), shownFiles)], ", ")
	if more := len(list) - shownFiles; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	remedy := "--backup FILE saves it first"
	if j.req.Backup != "" {
		remedy = "it is saved to " + j.req.Backup + " first"
	}
	j.warnOnce("%s: partition %d holds an image that was not deployed from here; these of its files are not in the new one: %s; %s", j.b.Port, j.seg.Index, names, remedy)
}

// holds tells whether whole blocks that the board was asked for are those of old.
func (p *plan) holds(old []byte, sum func([]byte) []byte) bool {
	for i, h := range p.hashes {
		from, to := p.span(i)
		if to > int64(len(old)) {
			break
		}
		if !bytes.Equal(h, sum(old[from:to])[:len(h)]) {
			return false
		}
	}
	return true
}

// filesOf lists the files of an image.
func filesOf(image *romfs.Image, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	var names []string
	err = fs.WalkDir(image, ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// A romReader reads a partition by pieces that it keeps: listing an image takes
// the records between the contents of its files.
type romReader struct {
	ctx    context.Context
	rom    *device.ROM
	pieces map[int64][]byte
	err    error // of the board, not of what it holds
}

// readerPiece is how much is read at a time.
const readerPiece = 512

// ReadAt implements [io.ReaderAt].
func (r *romReader) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) && off < r.rom.Size {
		piece, err := r.piece(off / readerPiece)
		if err != nil {
			return n, err
		}
		k := copy(b[n:], piece[off%readerPiece:])
		n, off = n+k, off+int64(k)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (r *romReader) piece(i int64) ([]byte, error) {
	if b, ok := r.pieces[i]; ok {
		return b, nil
	}
	off := i * readerPiece
	b, err := r.rom.Read(r.ctx, off, min(readerPiece, r.rom.Size-off), nil)
	if err != nil {
		r.err = errors.Join(r.err, err)
		return nil, err
	}
	if r.pieces == nil {
		r.pieces = map[int64][]byte{}
	}
	r.pieces[i] = b
	return b, nil
}
