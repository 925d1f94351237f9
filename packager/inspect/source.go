package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"rules_romfs/internal/syserr"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// maxStream bounds an image that comes through a pipe, which has to be kept in
// memory: far above the flash of any board.
const maxStream = 1 << 30

// A Source is the bytes of an image, sound or not.
type Source struct {
	Name   string // for people: the path, or "standard input"
	Path   string // of a file; empty for a stream
	Data   io.ReaderAt
	Length int64 // of Data: what follows the image counts

	closer  io.Closer
	sidecar *artifact.Sidecar // of an image that is in no file
}

// Close releases the file.
func (s *Source) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// OpenSource opens the file of that path without looking at its bytes.
func OpenSource(ctx context.Context, path string) (*Source, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &InputError{syserr.Plain(err)}
	case info.IsDir():
		return nil, &InputError{fmt.Errorf("%s is a directory, not an image; build it first: romfs build %s", path, path)}
	}
	if !info.Mode().IsRegular() { // a pipe, as a shell's <(…) gives it
		return readStream(ctx, path, func() (io.ReadCloser, error) { return os.Open(path) })
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &InputError{syserr.Plain(err)}
	}
	return &Source{Name: path, Path: path, Data: f, Length: info.Size(), closer: f}, nil
}

// ReadSource reads a stream, which people know by that name, into memory.
func ReadSource(ctx context.Context, name string, r io.Reader) (*Source, error) {
	return readStream(ctx, name, func() (io.ReadCloser, error) { return io.NopCloser(r), nil })
}

// Built reads an image that was built and is in no file, under a name for people.
// It has its sidecar.
func Built(ctx context.Context, name string, im *pack.Image, r report.Reporter) (*Image, error) {
	sidecar, err := im.Sidecar()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := im.Stream(ctx, &b, r); err != nil {
		return nil, err
	}
	s := &Source{Name: name, Data: bytes.NewReader(b.Bytes()), Length: int64(b.Len()), sidecar: sidecar}
	return s.Image()
}

// readStream reads a stream to its end, unless Ctrl-C comes first: opening a
// pipe waits too. What does not begin as an image is not read on.
func readStream(ctx context.Context, name string, open func() (io.ReadCloser, error)) (*Source, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := readImage(open)
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case got := <-done:
		switch {
		case got.err == errStream:
			return nil, &ImageError{name, got.err}
		case got.err != nil:
			return nil, fmt.Errorf("%s: %w", name, got.err)
		}
		return &Source{Name: name, Data: bytes.NewReader(got.data), Length: int64(len(got.data))}, nil
	}
}

var errStream = fmt.Errorf("more than %d bytes: no board has an image of that size", maxStream)

func readImage(open func() (io.ReadCloser, error)) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, &InputError{syserr.Plain(err)}
	}
	defer r.Close()
	head := make([]byte, len(romfs.Magic)+1) // no image is shorter
	n, err := io.ReadFull(r, head)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err == nil && !bytes.HasPrefix(head, []byte(romfs.Magic)):
		return head[:n], nil
	case err != nil:
		return nil, err
	}
	data, err := io.ReadAll(io.MultiReader(bytes.NewReader(head), io.LimitReader(r, maxStream)))
	if err == nil && len(data) > maxStream {
		err = errStream
	}
	return data, err
}
