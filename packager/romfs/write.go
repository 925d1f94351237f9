package romfs

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// A ContentChangedError says that a file did not have the content that its
// image was planned for. The image that was being written is useless.
type ContentChangedError struct {
	Path   string
	Reason string
}

func (e *ContentChangedError) Error() string {
	return fmt.Sprintf("romfs: %q changed while the image was written: %s", e.Path, e.Reason)
}

// WriteTo writes the image and returns the number of bytes written. It reads
// each file once, in image order, and holds none of them in memory. A file that
// has not exactly Size bytes, or another Sum than the node's (where that is
// set), ends it with a *ContentChangedError. A plan may be written any number of
// times.
func (p *Plan) WriteTo(w io.Writer) (int64, error) {
	out := &imageWriter{w: bufio.NewWriterSize(w, 64<<10), copy: make([]byte, 64<<10)}
	err := out.image(p)
	if err == nil {
		err = out.w.Flush()
	}
	return out.n - int64(out.w.Buffered()), err
}

type imageWriter struct {
	w    *bufio.Writer
	n    int64 // bytes given to w
	head []byte
	copy []byte
	hash hash.Hash
}

func (w *imageWriter) image(p *Plan) error {
	w.head = appendUint(append(w.head, Magic...), p.Size-p.HeaderSize, int(p.HeaderSize)-len(Magic))
	for i := range p.items {
		it := &p.items[i]
		var err error
		switch {
		case it.node.Record:
			if err = w.flushHead(); err == nil {
				err = w.content(p, it)
			}
		case it.node.Dir:
			w.entry(kindDirectory, it)
		case it.pointer:
			w.entry(kindFile, it)
			w.pointer(it, it.content-p.HeaderSize)
		default:
			w.entry(kindFile, it)
			err = w.data(p, it)
		}
		if err != nil {
			return err
		}
	}
	if p.tail > 0 {
		w.head = append(w.head, tailRecord...)
	}
	return w.flushHead()
}

// entry collects the head of a file's or directory's record, up to its name.
func (w *imageWriter) entry(kind byte, it *item) {
	w.head = append(w.head, kind)
	w.head = appendUint(w.head, it.payload, it.width)
	w.head = appendUint(w.head, int64(len(it.node.Name)), 0)
	w.head = append(w.head, it.node.Name...)
}

// pointer collects what a file holds whose bytes are another's, at offset.
func (w *imageWriter) pointer(it *item, offset int64) {
	n := it.node
	w.head = append(append(w.head, n.Before...), kindPointer)
	w.head = appendUint(w.head, int64(uintLen(n.Size)+uintLen(offset)), 0)
	w.head = appendUint(w.head, n.Size, 0)
	w.head = append(appendUint(w.head, offset, 0), n.After...)
}

// data writes what a file holds whose bytes are its own.
func (w *imageWriter) data(p *Plan, it *item) error {
	w.head = append(append(w.head, it.node.Before...), kindData)
	if err := w.pad(it.padding); err != nil {
		return err
	}
	w.head = appendUint(w.head, it.node.Size, 0)
	if err := w.flushHead(); err != nil {
		return err
	}
	if w.n != it.content {
		return fmt.Errorf("romfs: internal error: %q starts at %d, planned at %d", it.node.Name, w.n, it.content)
	}
	if err := w.content(p, it); err != nil {
		return err
	}
	w.head = append(w.head, it.node.After...)
	return nil
}

// flushHead writes the record heads collected so far.
func (w *imageWriter) flushHead() error {
	n, err := w.w.Write(w.head)
	w.n += int64(n)
	w.head = w.head[:0]
	return err
}

// pad writes the start of an over-long number, which may be as long as the
// alignment it makes.
func (w *imageWriter) pad(n int64) error {
	for n > 0 {
		for ; n > 0 && len(w.head) < cap(w.copy); n-- {
			w.head = append(w.head, 0x80)
		}
		if err := w.flushHead(); err != nil {
			return err
		}
	}
	return nil
}

// content writes the bytes of a file, or of a record that is written as it is.
func (w *imageWriter) content(p *Plan, it *item) (err error) {
	n := it.node
	if n.Size == 0 && n.Open == nil {
		return nil
	}
	path := "a record that readers skip"
	if !n.Record {
		path = p.Files[it.file].Path
	}
	if n.Open == nil {
		return fmt.Errorf("romfs: %q has no way to open its content", path)
	}
	r, err := n.Open()
	if err != nil {
		return fmt.Errorf("romfs: %q: %w", path, err)
	}
	defer func() {
		if cerr := r.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("romfs: %q: %w", path, cerr)
		}
	}()
	if n.Sum == [32]byte{} {
		return w.stream(r, n.Size, path, nil)
	}
	if w.hash == nil {
		w.hash = sha256.New()
	}
	w.hash.Reset()
	if err := w.stream(r, n.Size, path, w.hash); err != nil {
		return err
	}
	if [32]byte(w.hash.Sum(w.copy[:0])) != n.Sum {
		return &ContentChangedError{path, "its SHA-256 differs"}
	}
	return nil
}

// stream copies a content, which has to have size bytes, and adds it to sum
// (nil: to none).
func (w *imageWriter) stream(r io.Reader, size int64, path string, sum hash.Hash) error {
	left := size
	for idle := 0; ; {
		// One byte more than expected shows a file that grew.
		m, err := r.Read(w.copy[:min(int64(len(w.copy)), left+1)])
		if idle++; m > 0 {
			idle = 0
		} else if err == nil && idle == 100 { // as bufio does
			err = io.ErrNoProgress
		}
		if int64(m) > left {
			return &ContentChangedError{path, fmt.Sprintf("it has more than %d bytes", size)}
		}
		left -= int64(m)
		if sum != nil {
			sum.Write(w.copy[:m])
		}
		k, werr := w.w.Write(w.copy[:m])
		w.n += int64(k)
		switch {
		case werr != nil:
			return werr
		case errors.Is(err, io.EOF) && left > 0:
			return &ContentChangedError{path, fmt.Sprintf("it has %d bytes instead of %d", size-left, size)}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("romfs: %q: %w", path, err)
		}
	}
}
