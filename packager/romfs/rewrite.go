package romfs

import (
	"crypto/sha256"
	"fmt"
	"io"
)

// keptAlign bounds the alignment that a rewrite keeps of a file that seems to
// have been aligned on purpose: what no OpenMV board or tool goes beyond.
const keptAlign = 128

// RewriteOptions say what a rewritten image is for.
type RewriteOptions struct {
	// Layout is the family that the image stays in; see [Image.Layout].
	Layout Layout

	// Align is the alignment in bytes that a file needs at least.
	Align func(*Entry) int64

	// NoPointers stores every file by itself.
	NoPointers bool

	// EraseUnit, WriteUnit, DirAlign and MaxSize are those of [Options].
	EraseUnit, WriteUnit, DirAlign, MaxSize int64
}

// Rewrite lays an image out again so that every file has the alignment that
// Align asks for. Files, directories and their order stay, and so does every
// record that readers skip; only gaps (padding records of one repeated byte) go.
// Where the image aligns files at all, none loses alignment, up to 128 bytes:
// who made it may have asked for that. Files that share bytes go on sharing
// them, in layout Compact and without NoPointers. Plan.Files are in the order
// of [Image.Walk].
//
// The image must be without errors of [Validate], and readable as long as the
// plan is used.
func (m *Image) Rewrite(o RewriteOptions) (*Plan, error) {
	b := &treeBuilder{m: m, c: m.src.cursor(), o: o, targets: map[[2]int64]int{}}
	if err := b.survey(); err != nil {
		return nil, err
	}
	root := &Node{Dir: true}
	if err := b.dir(root, m.root.entry, 0); err != nil {
		return nil, err
	}
	return NewPlan(root, Options{
		Layout: o.Layout, KeepOrder: true, Dedup: b.shared && !o.NoPointers,
		EraseUnit: o.EraseUnit, WriteUnit: o.WriteUnit, DirAlign: o.DirAlign, MaxSize: o.MaxSize,
	})
}

// Layout tells which layout an image has by what its writer did: OpenMV, if its
// header has 16 bytes and that of each file 8; Stable, if its lengths are as
// wide and no file is a pointer; Compact otherwise.
func (m *Image) Layout() (Layout, error) {
	c := m.src.cursor()
	openMV, stable := m.header == openMVHeader, m.header >= int64(len(Magic)+StableHeader(0))
	err := m.Walk(func(e *Entry) error {
		r, err := c.record(e.RecordOffset, m.size)
		width := r.body - r.offset - 1
		openMV = openMV && (e.Dir || width == openMVFileHeader-1)
		stable = stable && !e.Pointer && (!e.Dir || width >= stableDirWidth)
		return err
	})
	switch {
	case openMV:
		return OpenMV, err
	case stable:
		return Stable, err
	}
	return Compact, err
}

// A treeBuilder makes the nodes of an image that exists.
type treeBuilder struct {
	m       *Image
	c       *cursor
	o       RewriteOptions
	aligned bool             // some file has padding before its bytes
	targets map[[2]int64]int // offset and size of what pointers point to
	shared  bool
	bulk    bool // the file that starts on an erase unit is found
}

// survey looks for pointers, and for signs that somebody aligned files.
func (b *treeBuilder) survey() error {
	return b.m.Walk(func(e *Entry) error {
		switch {
		case e.Pointer:
			b.shared = true
			b.targets[[2]int64{e.Offset, e.Size}]++
		case !e.Dir && e.Size > 0 && b.padding(e) > 0:
			b.aligned = true
		}
		return nil
	})
}

// padding counts the bytes of padding in the length right before a file's bytes.
func (b *treeBuilder) padding(e *Entry) int64 {
	var n int64
	for at := e.Offset - int64(uintLen(e.Size)) - 1; at > e.RecordOffset; at-- {
		w, err := b.c.window(at)
		if err != nil || w[0] != 0x80 {
			break
		}
		n++
	}
	return n
}

func (b *treeBuilder) dir(into *Node, dir *Entry, depth int) error {
	if depth > MaxDepth {
		return &TreeError{dir.Path(), fmt.Sprintf("directories nest deeper than %d", MaxDepth)}
	}
	limit := dir.Offset + dir.Size
	for pos := dir.Offset; pos < limit; {
		r, err := b.c.record(pos, limit)
		if err == nil {
			err = r.check(limit)
		}
		if err != nil {
			return damaged(err, pos)
		}
		pos = r.end
		var n *Node
		switch r.kind {
		case kindDirectory, kindFile:
			n, err = b.child(dir, &r, depth)
		default:
			n, err = b.other(&r)
		}
		if err != nil {
			return err
		}
		if n != nil {
			into.Children = append(into.Children, n)
		}
	}
	return nil
}

// child returns the node of a file or directory in dir.
func (b *treeBuilder) child(dir *Entry, r *record, depth int) (*Node, error) {
	s := dirScanner{dir: &Entry{Name: dir.Name, Dir: true, Offset: r.offset, Size: r.end - r.offset, parent: dir.parent}, pos: r.offset}
	e, err := s.next(b.c)
	if err == nil && e != nil {
		err = e.Err
	}
	if err != nil || e == nil {
		return nil, damaged(err, r.offset)
	}
	e.parent = dir
	n := &Node{Name: e.Name, Dir: e.Dir}
	if e.Dir {
		return n, b.dir(n, e, depth+1)
	}
	n.Size = e.Size
	return n, b.file(n, e, r)
}

// other returns the node of a record of another kind; nil for one that nothing is
// lost without.
func (b *treeBuilder) other(r *record) (*Node, error) {
	drop, err := b.dissolves(r)
	if drop || err != nil {
		return nil, err
	}
	return &Node{Record: true, Size: r.end - r.offset, Open: b.open(r.offset, r.end-r.offset)}, nil
}

// damaged is the error for what Validate would have found.
func damaged(err error, at int64) error {
	if err == nil || err == errEnd {
		return &FormatError{at, "the directory ends here"}
	}
	return err
}

// dissolves tells if nothing is lost without a record: a gap, or data that a
// file which points to all of it now holds itself.
func (b *treeBuilder) dissolves(r *record) (bool, error) {
	switch r.kind {
	case kindData:
		return b.targets[[2]int64{r.body, r.end - r.body}] > 0, nil
	case kindPadding:
		return b.gap(r)
	}
	return false, nil
}

// gap tells if a padding record holds one repeated byte, and so no comment.
func (b *treeBuilder) gap(r *record) (bool, error) {
	first := -1
	for at := r.body; at < r.end; {
		w, err := b.c.window(at)
		if err != nil {
			return false, err
		}
		for _, c := range w[:min(int64(len(w)), r.end-at)] {
			if first < 0 {
				first = int(c)
			}
			if int(c) != first {
				return false, nil
			}
			at++
		}
	}
	return true, nil
}

func (b *treeBuilder) open(offset, size int64) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(b.m.src.r, offset, size)), nil
	}
}

// file fills in what the node of a file holds, and the alignment it gets.
func (b *treeBuilder) file(n *Node, e *Entry, f *record) error {
	n.Open = b.open(e.Offset, e.Size)
	if err := b.beside(n, f); err != nil {
		return err
	}
	if b.targets[[2]int64{e.Offset, e.Size}] > 0 && e.Size > 0 {
		h := sha256.New()
		if _, err := io.Copy(h, b.m.Section(e)); err != nil {
			return err
		}
		n.Sum = [32]byte(h.Sum(nil))
	}
	n.Align = max(b.o.Align(e), 1)
	if b.o.Layout == OpenMV {
		n.Align = max(n.Align, openMVAlign)
	}
	if e.Size > 0 && b.aligned {
		n.Align = max(n.Align, min(e.Offset&-e.Offset, keptAlign))
	}
	// Layout stable has one file on an erase unit, behind a gap.
	if unit := max(b.o.EraseUnit, 1); b.o.Layout == Stable && !b.bulk && unit > 1 && e.Size > 0 && e.Offset%unit == 0 && b.padding(e) > 0 {
		b.bulk, n.Bulk = true, true
	}
	return nil
}

// beside keeps the records of a file that are neither its data nor a gap: those
// in front of the data, and those behind it.
func (b *treeBuilder) beside(n *Node, f *record) error {
	name, body, err := b.c.uint(f.body, f.end)
	if err != nil {
		return damaged(err, f.offset)
	}
	into := &n.Before
	for pos := body + name; pos < f.end; {
		r, err := b.c.record(pos, f.end)
		if err != nil || r.end > f.end {
			return damaged(err, pos)
		}
		pos = r.end
		if into == &n.Before && (r.kind == kindData || r.kind == kindPointer) {
			into = &n.After
			continue
		}
		if r.kind == kindPadding {
			gap, err := b.gap(&r)
			if err != nil {
				return err
			}
			if gap {
				continue
			}
		}
		if *into, err = b.c.append(*into, r.offset, r.end); err != nil {
			return err
		}
	}
	return nil
}
