package romfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// An Image reads an image as a file system. It holds no more than the
// directories that were used, and is safe for concurrent use.
//
// Lookups are MicroPython's: entries in image order, the first match is final.
// Where the driver would follow a length out of its parent or out of the image,
// they end with a [*FormatError] instead. Where it ends a directory silently (an
// unused record, a truncated number), so do they; [Validate] reports it.
//
// Listings show what lookups find: not a second entry of one name, and no name
// that a path cannot hold. (An entry called "a/b", itself not listed, may still
// hide the entry b of a directory a from lookups; Validate reports it.)
// [Image.Walk] shows every entry.
type Image struct {
	tree
	size   int64
	header int64
}

var (
	_ fs.ReadDirFS  = (*Image)(nil)
	_ fs.StatFS     = (*Image)(nil)
	_ fs.ReadFileFS = (*Image)(nil)
	_ fs.SubFS      = (*Image)(nil)
)

// A FormatError is a place where an image breaks the format.
type FormatError struct {
	Offset int64 // from the first byte of the image
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("damaged image: at offset %d: %s", e.Offset, e.Reason)
}

// ErrNotImage is matched by the error of [Open] and [Parse] where the driver
// would refuse to mount.
var ErrNotImage = errors.New("not a ROMFS image")

type notImage struct{ reason string }

func (e *notImage) Error() string        { return ErrNotImage.Error() + ": " + e.reason }
func (e *notImage) Is(target error) bool { return target == ErrNotImage }

// Open reads the image at the start of r, of which size bytes may be used: a
// partition may be larger than its image. It reads a few bytes; everything else
// is read when it is asked for. r must stay usable as long as the image is.
func Open(r io.ReaderAt, size int64) (*Image, error) {
	return open(&source{r: r, size: size})
}

// Parse reads the image at the start of b, without copying: b must not change
// while the image is used.
func Parse(b []byte) (*Image, error) {
	return open(&source{mem: b, r: bytes.NewReader(b), size: int64(len(b))})
}

func open(src *source) (*Image, error) {
	c := src.cursor()
	h, err := readHeader(c)
	if err != nil {
		return nil, err
	}
	src.size, src.base = h.end, h.body
	m := &Image{size: h.end, header: h.body}
	m.src = src
	root := &Entry{Name: ".", Dir: true, RecordSize: h.end, Offset: h.body, Size: h.end - h.body}
	root.index = &directory{entry: root}
	m.root = root.index
	return m, nil
}

// readHeader reads the outer record as the driver does when it mounts.
func readHeader(c *cursor) (record, error) {
	if c.size < minImage {
		return record{}, &notImage{fmt.Sprintf("%d bytes are less than the shortest image, which has %d", max(c.size, 0), minImage)}
	}
	magic, err := c.string(0, int64(len(Magic)))
	if err != nil {
		return record{}, err
	}
	if magic != Magic {
		return record{}, &notImage{fmt.Sprintf("it starts with % x instead of % x", magic, Magic)}
	}
	h, err := c.record(0, c.size)
	if err == errEnd {
		return h, &notImage{"its length is cut off"}
	}
	if err != nil {
		return h, err
	}
	if h.end > c.size {
		return h, &notImage{fmt.Sprintf("its length reaches beyond the %d bytes that are there", c.size)}
	}
	return h, nil
}

// Size is the number of bytes of the image: what follows is not part of it.
func (m *Image) Size() int64 { return m.size }

// HeaderSize is the number of bytes before the first record. Data pointers
// count from here.
func (m *Image) HeaderSize() int64 { return m.header }

// A source is where the bytes of an image are.
type source struct {
	mem  []byte
	r    io.ReaderAt
	size int64
	base int64 // the outer payload
}

func (s *source) cursor() *cursor { return &cursor{mem: s.mem, r: s.r, size: s.size, base: s.base} }

// A tree is an image from one of its directories down.
type tree struct {
	src  *source
	root *directory
}

// Open opens the file or directory of that path. Files are *[File].
func (t *tree) Open(name string) (fs.File, error) {
	e, d, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if d != nil {
		return &dirFile{entry: e, tree: t, name: name}, nil
	}
	return &File{entry: e, SectionReader: t.Section(e)}, nil
}

// Stat describes the file or directory of that path.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	e, _, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	return info{e}, nil
}

// Lookup returns the entry of that path.
func (t *tree) Lookup(name string) (*Entry, error) {
	e, _, err := t.find("lookup", name)
	return e, err
}

// ReadDir lists a directory, sorted by name. Where the image is damaged it
// returns the entries before the damage, and a *FormatError.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	_, d, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	list, err := d.list(t.src)
	if err != nil {
		err = &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return list, err
}

// ReadFile returns a copy of a file's content. [Image.Bytes] does not copy.
func (t *tree) ReadFile(name string) ([]byte, error) {
	e, d, err := t.find("read", name)
	if err != nil {
		return nil, err
	}
	if d != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	b := make([]byte, e.Size)
	if _, err := io.ReadFull(t.Section(e), b); err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return b, nil
}

// Sub returns the tree of a directory, as a file system of the same abilities.
func (t *tree) Sub(name string) (fs.FS, error) {
	if name == "." {
		return t, nil
	}
	_, d, err := t.find("sub", name)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, &fs.PathError{Op: "sub", Path: name, Err: errors.New("not a directory")}
	}
	return &tree{src: t.src, root: d}, nil
}

// Section reads the content of a file's entry, which may be one that no lookup
// finds.
func (t *tree) Section(e *Entry) *io.SectionReader {
	return io.NewSectionReader(t.src.r, e.Offset, e.Size)
}

// Bytes returns the content of a file's entry in place, without copying, if the
// image is in memory ([Parse]). The bytes must not be changed.
func (t *tree) Bytes(e *Entry) ([]byte, bool) {
	if t.src.mem == nil {
		return nil, false
	}
	return t.src.mem[e.Offset : e.Offset+e.Size : e.Offset+e.Size], true
}

// find walks a path. d is the directory that it names, nil for a file.
func (t *tree) find(op, name string) (e *Entry, d *directory, err error) {
	if !fs.ValidPath(name) {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return t.root.entry, t.root, nil
	}
	if e, err = t.root.find(t.src, name); err != nil {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return e, e.index, nil
}
