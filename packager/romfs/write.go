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
		if it.node.Record {
			if err := w.flushHead(); err != nil {
				return err
			}
			if err := w.content(p, it); err != nil {
				return err
			}
			continue
		}
		kind := byte(kindFile)
		if it.node.Dir {
			kind = kindDirectory
		}
		w.head = append(w.head, kind)
		w.head = appendUint(w.head, it.payload, it.width)
		w.head = appendUint(w.head, int64(len(it.node.Name)), 0)
		w.head = append(w.head, it.node.Name...)
		switch {
		case it.node.Dir:
			continue
		case it.pointer:
			offset := it.content - p.HeaderSize
			w.head = append(append(w.head, it.node.Before...), kindPointer)
			w.head = appendUint(w.head, int64(uintLen(it.node.Size)+uintLen(offset)), 0)
			w.head = appendUint(w.head, it.node.Size, 0)
			w.head = append(appendUint(w.head, offset, 0), it.node.After...)
			continue
		}
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
	}
	if p.tail > 0 {
		w.head = append(w.head, tailRecord...)
	}
	return w.flushHead()
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
	check := n.Sum != [32]byte{}
	if check {
		if w.hash == nil {
			w.hash = sha256.New()
		}
		w.hash.Reset()
	}
	left := n.Size
	for idle := 0; ; {
		// One byte more than expected shows a file that grew.
		m, err := r.Read(w.copy[:min(int64(len(w.copy)), left+1)])
		if idle++; m > 0 {
			idle = 0
		} else if err == nil && idle == 100 { // as bufio does
			err = io.ErrNoProgress
		}
		if int64(m) > left {
			return &ContentChangedError{path, fmt.Sprintf("it has more than %d bytes", n.Size)}
		}
		left -= int64(m)
		if check {
			w.hash.Write(w.copy[:m])
		}
		k, werr := w.w.Write(w.copy[:m])
		w.n += int64(k)
		if werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("romfs: %q: %w", path, err)
		}
	}
	if left > 0 {
		return &ContentChangedError{path, fmt.Sprintf("it has %d bytes instead of %d", n.Size-left, n.Size)}
	}
	if check && [32]byte(w.hash.Sum(w.copy[:0])) != n.Sum {
		return &ContentChangedError{path, "its SHA-256 differs"}
	}
	return nil
}
