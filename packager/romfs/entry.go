package romfs

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"
)

// An Entry is a file or directory record of an image. It is what Sys of a
// [fs.FileInfo] returns.
type Entry struct {
	Name string // as it is in the image: any bytes; "." for the root
	Dir  bool

	RecordOffset int64 // first byte of the record; all offsets count from the image's
	RecordSize   int64 // bytes of the record, its head included

	// Offset and Size say where the content is: a file's bytes, or the records
	// of a directory.
	Offset, Size int64

	// Pointer tells that a file's content is elsewhere in the image.
	Pointer bool

	// Err is a *FormatError if the content of a file cannot be read; Offset and
	// Size are then 0.
	Err error

	parent *Entry
	index  *directory // directories found by lookup
}

// Path is the slash path from the root, "." for the root itself. It may hold
// anything that names in the image do: check it with [fs.ValidPath] before use.
func (e *Entry) Path() string {
	if e.parent == nil {
		return e.Name
	}
	size := -1
	for p := e; p.parent != nil; p = p.parent {
		size += len(p.Name) + 1
	}
	b := make([]byte, size)
	for p := e; p.parent != nil; p = p.parent {
		size -= len(p.Name)
		copy(b[size:], p.Name)
		if size > 0 {
			size--
			b[size] = '/'
		}
	}
	return string(b)
}

// info is the fs.FileInfo and fs.DirEntry of an entry.
type info struct{ *Entry }

func (i info) Name() string               { return i.Entry.Name }
func (i info) IsDir() bool                { return i.Dir }
func (i info) Type() fs.FileMode          { return i.Mode().Type() }
func (i info) Info() (fs.FileInfo, error) { return i, i.Err }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) Sys() any                   { return i.Entry }
func (i info) String() string             { return fs.FormatDirEntry(i) }

func (i info) Size() int64 {
	if i.Dir {
		return 0
	}
	return i.Entry.Size
}

func (i info) Mode() fs.FileMode {
	if i.Dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// A File is an open file of an image. It also reads at any offset and seeks.
type File struct {
	*io.SectionReader
	entry *Entry
}

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) { return info{f.entry}, nil }

// Close never fails: there is nothing to release.
func (f *File) Close() error { return nil }

// A dirFile is an open directory.
type dirFile struct {
	tree  *tree
	entry *Entry
	name  string
	list  []fs.DirEntry
	err   error // after the list
	read  bool
}

func (d *dirFile) Stat() (fs.FileInfo, error) { return info{d.entry}, nil }
func (d *dirFile) Close() error               { return nil }

func (d *dirFile) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a directory")}
}

func (d *dirFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.read {
		d.read = true
		d.list, d.err = d.entry.index.list(d.tree.src)
		if d.err != nil {
			d.err = &fs.PathError{Op: "readdir", Path: d.name, Err: d.err}
		}
	}
	all := n <= 0
	if all {
		n = len(d.list)
	} else if len(d.list) == 0 && d.err == nil {
		return nil, io.EOF
	}
	var err error
	if all || len(d.list) == 0 {
		err = d.err // what is before the damage comes first
	}
	n = min(n, len(d.list))
	list := slices.Clone(d.list[:n])
	d.list = d.list[n:]
	return list, err
}
