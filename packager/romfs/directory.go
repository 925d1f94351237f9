package romfs

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// A dirScanner reads the entries of a directory in image order.
type dirScanner struct {
	dir *Entry
	pos int64
}

// next returns the next entry, or nil where the driver ends the directory. An
// error that is a *FormatError is where the driver would leave the directory or
// the image.
func (s *dirScanner) next(c *cursor) (*Entry, error) {
	limit := s.dir.Offset + s.dir.Size
	for s.pos < limit {
		r, err := c.record(s.pos, limit)
		if err == errEnd || err == nil && r.kind == kindUnused {
			break
		}
		if err == nil {
			err = r.check(limit)
		}
		if err != nil {
			return nil, err
		}
		s.pos = r.end
		if r.kind != kindDirectory && r.kind != kindFile {
			continue
		}
		length, body, err := c.uint(r.body, r.end)
		if err == errEnd {
			break
		}
		if err != nil {
			return nil, err
		}
		if length > r.end-body {
			return nil, &FormatError{r.offset, fmt.Sprintf("a name of %d bytes reaches beyond its record", length)}
		}
		name, err := c.string(body, body+length)
		if err != nil {
			return nil, err
		}
		e := &Entry{Name: name, Dir: r.kind == kindDirectory, RecordOffset: r.offset, RecordSize: r.end - r.offset, parent: s.dir}
		if e.Dir {
			e.Offset, e.Size = body+length, r.end-body-length
			return e, nil
		}
		return e, e.findData(c, body+length, r.end)
	}
	s.pos = limit
	return nil, nil
}

// check tells if a record stays inside its parent, and means the same on every
// board.
func (r *record) check(limit int64) error {
	if r.end > limit {
		return &FormatError{r.offset, fmt.Sprintf("a record of kind %d reaches beyond its parent, which ends at %d", r.kind, limit)}
	}
	if r.kind > maxKind {
		return &FormatError{r.offset, "a record's kind exceeds 32 bits, so its meaning depends on the board"}
	}
	return nil
}

// findData looks for a file's content among the records from pos to limit. It
// returns only errors of reading; what the image has wrong goes to e.Err.
func (e *Entry) findData(c *cursor, pos, limit int64) error {
	for pos < limit {
		r, err := c.record(pos, limit)
		if err == errEnd || err == nil && r.kind == kindUnused {
			break
		}
		if err != nil {
			return err
		}
		if e.Err = r.check(limit); e.Err != nil {
			return nil
		}
		switch r.kind {
		case kindData:
			e.Offset, e.Size = r.body, r.end-r.body
			return nil
		case kindPointer:
			return e.follow(c, &r)
		}
		pos = r.end
	}
	e.Err = &FormatError{e.RecordOffset, "a file record holds no data"}
	return nil
}

// follow finds the content that a data pointer points to.
func (e *Entry) follow(c *cursor, r *record) error {
	size, pos, err := c.uint(r.body, r.end)
	var offset int64
	if err == nil {
		offset, _, err = c.uint(pos, r.end)
	}
	room := c.size - c.base
	switch {
	case err == errEnd:
		e.Err = &FormatError{r.offset, "a data pointer is cut off"}
	case err != nil:
		return err
	case offset > room || size > room-offset:
		e.Err = &FormatError{r.offset, fmt.Sprintf("a data pointer to %d bytes at %d leaves the image", size, offset)}
	default:
		e.Pointer, e.Offset, e.Size = true, c.base+offset, size
	}
	return nil
}

// A directory is an index of one directory's entries, made when it is first
// used.
type directory struct {
	entry *Entry

	mu      sync.Mutex
	scanned bool
	entries []*Entry       // in image order
	byName  map[string]int // the first entry of each name
	slashes bool           // some name holds a slash
	err     error          // where the directory is damaged; the index has what is before
}

// scan makes the index, once. An error of reading is returned and not kept.
func (d *directory) scan(c *cursor) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.scanned {
		return nil
	}
	var entries []*Entry
	byName := map[string]int{}
	slashes := false
	s := dirScanner{dir: d.entry, pos: d.entry.Offset}
	for {
		e, err := s.next(c)
		if err != nil {
			if _, ok := err.(*FormatError); !ok {
				return err
			}
			d.err = err
		}
		if e == nil {
			break
		}
		if e.Dir {
			e.index = &directory{entry: e}
		}
		if _, ok := byName[e.Name]; !ok {
			byName[e.Name] = len(entries)
		}
		slashes = slashes || strings.Contains(e.Name, "/")
		entries = append(entries, e)
	}
	d.entries, d.byName, d.slashes, d.scanned = entries, byName, slashes, true
	return nil
}

// find walks a valid path down from d.
func (d *directory) find(src *source, path string) (*Entry, error) {
	if strings.IndexByte(path, 0) >= 0 {
		return nil, fs.ErrNotExist // the driver's paths end at NUL
	}
	c := src.cursor()
	for {
		if err := d.scan(c); err != nil {
			return nil, err
		}
		e := d.match(path)
		switch {
		case e == nil && d.err != nil:
			return nil, d.err
		case e == nil:
			return nil, fs.ErrNotExist
		case e.Name == path:
			return e, e.Err
		case !e.Dir:
			return nil, fs.ErrNotExist
		}
		path = path[len(e.Name)+1:]
		d = e.index
	}
}

// match returns the first entry whose name is the path, or the path up to one
// of its slashes.
func (d *directory) match(path string) *Entry {
	first := len(d.entries)
	for from := 0; ; {
		end := len(path)
		if i := strings.IndexByte(path[from:], '/'); i >= 0 {
			end = from + i
		}
		if i, ok := d.byName[path[:end]]; ok {
			first = min(first, i)
		}
		if end == len(path) || !d.slashes {
			break
		}
		from = end + 1
	}
	if first == len(d.entries) {
		return nil
	}
	return d.entries[first]
}

// list returns the entries that a valid path can name, sorted.
func (d *directory) list(src *source) ([]fs.DirEntry, error) {
	if err := d.scan(src.cursor()); err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, 0, len(d.byName))
	for i, e := range d.entries {
		if d.byName[e.Name] == i && e.Name != "." && !strings.ContainsAny(e.Name, "/\x00") && fs.ValidPath(e.Name) {
			list = append(list, info{e})
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return list, d.err
}

// Walk calls visit for every entry but the root, in image order, a directory
// before its content: also for entries that no lookup finds. visit may return
// [fs.SkipDir] or [fs.SkipAll]; another error ends the walk. Where the image is
// damaged, the walk goes on behind the damaged directory, and returns the first
// *FormatError in the end.
func (t *tree) Walk(visit func(*Entry) error) error {
	c := t.src.cursor()
	var damage error
	stack := []dirScanner{{t.root.entry, t.root.entry.Offset}}
	for len(stack) > 0 {
		top := len(stack) - 1
		e, err := stack[top].next(c)
		if err != nil {
			if _, ok := err.(*FormatError); !ok {
				return err
			}
			if damage == nil {
				damage = err
			}
		}
		if e == nil {
			stack = stack[:top]
			continue
		}
		if damage == nil {
			damage = e.Err
		}
		switch err := visit(e); {
		case err == fs.SkipAll:
			return damage
		case err == fs.SkipDir && e.Dir:
		case err == fs.SkipDir:
			stack = stack[:top]
		case err != nil:
			return err
		case e.Dir:
			stack = append(stack, dirScanner{e, e.Offset})
		}
	}
	return damage
}
