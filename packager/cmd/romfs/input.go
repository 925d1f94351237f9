package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"unicode"
	"unicode/utf8"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/romfs"
)

// maxStream bounds an image that comes through a pipe, which has to be kept in
// memory: far above the flash of any board.
const maxStream = 1 << 30

// maxPaths bounds the lengths of all paths of an image together, in bytes. An
// image of a few MiB can nest a million directories, whose paths would not fit
// into any memory; that of 20,000 files has about 1 MiB.
const maxPaths = 64 << 20

// An input is an image that a verb reads.
type input struct {
	*romfs.Image
	name   string // for people: the path, or "standard input"
	path   string // empty for standard input
	data   io.ReaderAt
	length int64 // of data: what follows the image counts
	closer io.Closer
}

func (in *input) Close() error {
	if in.closer == nil {
		return nil
	}
	return in.closer.Close()
}

// openInput opens the bytes of an image without looking at them; "-" is
// standard input.
func (a *app) openInput(ctx context.Context, path string) (*input, error) {
	if path == "-" {
		data, err := readStream(ctx, func() (io.ReadCloser, error) { return io.NopCloser(a.stdin), nil })
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		return &input{name: "standard input", data: bytes.NewReader(data), length: int64(len(data))}, nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, &inputError{plainPathError(err)}
	case info.IsDir():
		return nil, &inputError{fmt.Errorf("%s is a directory, not an image; build it first: romfs build %s", path, path)}
	}
	if !info.Mode().IsRegular() { // a pipe, as a shell's <(…) gives it
		data, err := readStream(ctx, func() (io.ReadCloser, error) { return os.Open(path) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return &input{name: path, data: bytes.NewReader(data), length: int64(len(data))}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &inputError{plainPathError(err)}
	}
	return &input{name: path, path: path, data: f, length: info.Size(), closer: f}, nil
}

// beginsAsImage tells whether a file is an image, whatever its name.
func beginsAsImage(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(romfs.Magic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == romfs.Magic
}

// checkOutput finds out, before work that takes long, that a file cannot be
// written where it is wanted.
func checkOutput(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &usageError{path + " is a directory; name the file to write"}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	return nil
}

// checkStdout refuses to write to stdout, which out "-" is, what would be of no
// use there: beside the result of --output json, or as bytes on a terminal. What
// names it, such as "the image".
func (a *app) checkStdout(out, what string, text bool) error {
	switch {
	case out != "-":
		return nil
	case a.output == "json":
		return &usageError{what + " goes to stdout, where --output json would print its result; leave one out"}
	case !text && isTerminal(a.stdout):
		return &usageError{what + " is no text for a terminal; redirect stdout, or name a file"}
	}
	return nil
}

// openImage opens an image; one that no board would mount is an error.
func (a *app) openImage(ctx context.Context, path string) (*input, error) {
	in, err := a.openInput(ctx, path)
	if err != nil {
		return nil, err
	}
	in.Image, err = romfs.Open(in.data, in.length)
	if err != nil {
		in.Close()
		return nil, &imageError{fmt.Errorf("%s: %w", in.name, err)}
	}
	return in, nil
}

// readStream reads a stream to its end, unless Ctrl-C comes first: opening a
// pipe waits too. What does not begin as an image is not read on.
func readStream(ctx context.Context, open func() (io.ReadCloser, error)) ([]byte, error) {
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
		return nil, context.Cause(ctx)
	case got := <-done:
		return got.data, got.err
	}
}

func readImage(open func() (io.ReadCloser, error)) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, &inputError{plainPathError(err)}
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
		err = &imageError{fmt.Errorf("more than %d bytes: no board has an image of that size", maxStream)}
	}
	return data, err
}

// plainPathError words a system error as "PATH: no such file or directory".
func plainPathError(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return fmt.Errorf("%s: %w", e.Path, e.Err)
	}
	return err
}

// identity reads the bytes of the image alone, not what follows it.
func (in *input) identity() (artifact.Image, error) {
	return artifact.Identify(io.NewSectionReader(in.data, 0, in.Size()))
}

// sidecar returns the sidecar beside an image; nil without one. It is not
// checked against the image.
func (in *input) sidecar() (*artifact.Sidecar, error) {
	if in.path == "" {
		return nil, nil
	}
	s, err := artifact.Load(artifact.Path(in.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return s, err
}

// entries lists what is below dir ("." for all), in image order: also what no
// lookup on the board would find. Where the image is damaged, the error comes
// with what is before the damage.
func (in *input) entries(dir string) ([]*romfs.Entry, error) {
	var all []*romfs.Entry
	type around struct{ end, length int64 } // a directory: where it ends, its path's length
	var dirs []around
	var total int64
	var root *romfs.Entry
	if dir != "." {
		e, err := in.Lookup(dir)
		if err != nil {
			return nil, &inputError{fmt.Errorf("%s: %w", in.name, plainPathError(err))}
		}
		if !e.Dir {
			return []*romfs.Entry{e}, nil
		}
		root = e
	}
	err := in.Walk(func(e *romfs.Entry) error {
		for len(dirs) > 0 && e.RecordOffset >= dirs[len(dirs)-1].end {
			dirs = dirs[:len(dirs)-1]
		}
		length := int64(len(e.Name))
		if len(dirs) > 0 {
			length += 1 + dirs[len(dirs)-1].length
		}
		if total += length; total > maxPaths {
			return errPaths
		}
		end := e.RecordOffset + e.RecordSize
		if e.Dir {
			dirs = append(dirs, around{end, length})
		}
		switch {
		case root == nil:
			all = append(all, e)
		case e.RecordOffset <= root.RecordOffset && end < root.RecordOffset+root.RecordSize && e.Dir:
			return fs.SkipDir
		case e.RecordOffset > root.RecordOffset && end <= root.RecordOffset+root.RecordSize:
			all = append(all, e)
		}
		return nil
	})
	switch {
	case err == errPaths:
		return nil, &imageError{fmt.Errorf("%s: %w", in.name, err)}
	case err != nil:
		err = &imageError{fmt.Errorf("%s: %w; `romfs verify` says more", in.name, err)}
	}
	return all, err
}

var errPaths = fmt.Errorf("its paths add up to more than %d MiB: no image that somebody made", maxPaths>>20)

// display writes a name for a terminal: control characters and bytes that are
// no text would otherwise act on it.
func display(name string) string {
	if utf8.ValidString(name) {
		printable := true
		for _, r := range name {
			printable = printable && unicode.IsPrint(r)
		}
		if printable {
			return name
		}
	}
	return strconv.Quote(name)
}
