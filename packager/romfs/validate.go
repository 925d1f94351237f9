package romfs

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxProblems bounds what Validate reports of one image: random bytes have
	// a defect every few bytes.
	maxProblems = 1000
	// maxProblemPath bounds the path of one problem in bytes: a path may be as
	// long as the image.
	maxProblemPath = 4096
)

// Validate checks the structure of the image at the start of r, of which size
// bytes may be used, and returns what it finds by rising offset. It checks every
// record, length, name and pointer, those too that no lookup reaches; it does
// not read the content of files (whose digests are in a sidecar), so that its
// cost grows with the number of entries.
//
// What the driver refuses to mount is one problem. After 1,000 problems the rest
// is only counted.
func Validate(r io.ReaderAt, size int64) []Problem {
	return (&validator{c: &cursor{r: r, size: size}}).problemsOf()
}

// Damage returns the problems of an image that hide files from readers, or their
// content: what is listed and read of it is not all that was written into it. It
// is what Validate finds, the other problems apart.
func Damage(r io.ReaderAt, size int64) []Problem {
	return (&validator{c: &cursor{r: r, size: size}, damage: true}).problemsOf()
}

func (v *validator) problemsOf() []Problem {
	if err := v.image(); err != nil {
		v.add(CodeUnreadable, Error, 0, nil, nil, "the image cannot be read: %v", err)
	}
	slices.SortStableFunc(v.problems, func(a, b Problem) int { return cmp.Compare(a.Offset, b.Offset) })
	if v.more > 0 {
		v.problems = append(v.problems, Problem{CodeMore, Error, v.last, ".", fmt.Sprintf("%d more problems; build the image again", v.more)})
	}
	return v.problems
}

type validator struct {
	c        *cursor
	damage   bool // only what hides files counts
	problems []Problem
	more     int
	last     int64 // offset of the last problem that was only counted
}

// add reports a problem of the entry called name in dir. Without a name it is
// the directory's own, without a directory the image's.
func (v *validator) add(code Code, s Severity, offset int64, dir *Entry, name []byte, format string, args ...any) {
	if v.damage && (s != Error || !hides[code]) {
		return
	}
	if len(v.problems) >= maxProblems {
		v.more++
		v.last = max(v.last, offset)
		return
	}
	path := "."
	switch {
	case dir != nil && len(name) > 0:
		path = (&Entry{Name: string(name), parent: dir}).Path()
	case dir != nil:
		path = dir.Path()
	}
	if len(path) > maxProblemPath {
		path = "…" + path[len(path)-maxProblemPath:]
	}
	v.problems = append(v.problems, Problem{code, s, offset, path, fmt.Sprintf(format, args...)})
}

// image checks the outer record and then everything in it. Its error is one of
// reading.
func (v *validator) image() error {
	c := v.c
	const rebuild = "get the image again, or build it again"
	if c.size < minImage {
		v.add(CodeNotImage, Error, 0, nil, nil, "%d bytes are less than the shortest image, which has %d; %s", max(c.size, 0), minImage, rebuild)
		return nil
	}
	front, err := c.string(0, minImage)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(front, Magic) {
		why := "no ROMFS image"
		switch {
		case front == "\xff\xff\xff\xff":
			why = "erased flash, no image"
		case strings.HasPrefix(front, "\x80"):
			why = "an outer kind with padding, which the driver refuses, or no image at all"
		}
		v.add(CodeNotImage, Error, 0, nil, nil, "it starts with % x instead of % x: %s; %s", front[:len(Magic)], Magic, why, rebuild)
		return nil
	}
	h, err := c.record(0, c.size)
	switch {
	case err == errEnd:
		v.add(CodeTruncated, Error, int64(len(Magic)), nil, nil, "the image ends within its own length; %s", rebuild)
		return nil
	case err != nil:
		return err
	case h.end == math.MaxInt64 || h.end-h.body > MaxSize:
		v.add(CodeWrap, Error, int64(len(Magic)), nil, nil, "its length exceeds 32 bits, so it wraps on a board, which may then mount an empty file system; %s", rebuild)
		return nil
	case h.end > c.size:
		v.add(CodeTruncated, Error, int64(len(Magic)), nil, nil, "it should have %d bytes, and %d are missing; %s", h.end, h.end-c.size, rebuild)
		return nil
	}
	c.size, c.base = h.end, h.body
	if h.end%2 != 0 {
		v.add(CodeOddSize, Warning, 0, nil, nil, "its size, %d bytes, is odd; the format demands an even one, and drivers do not check; a tool that appends padding may fail", h.end)
	}
	if h.body > int64(len(Magic)+maxHeaderLength) {
		v.add(CodeLongHeader, Warning, int64(len(Magic)), nil, nil, "its header has %d bytes; `mpremote romfs query` reads %d and will show a size of 0", h.body, len(Magic)+maxHeaderLength)
	}
	return v.tree(&Entry{Name: ".", Dir: true, Offset: h.body, Size: h.end - h.body})
}

// A level is a directory on the way down to the one being checked.
type level struct {
	dir *Entry
	pos int64

	// name is the name of the entry being checked, last that of the one before.
	// Most writers sort, so that comparing these shows that no name comes twice;
	// unsorted is set otherwise.
	name, last []byte
	entries    int
	unsorted   bool
}

// tree checks a directory and all below it, without recursion: the depth is the
// image's choice.
func (v *validator) tree(root *Entry) error {
	stack := []level{{dir: root, pos: root.Offset}}
	for len(stack) > 0 {
		l := &stack[len(stack)-1]
		sub, err := v.next(l)
		if err != nil {
			return err
		}
		if sub != nil {
			stack = append(stack, level{dir: sub, pos: sub.Offset})
			continue
		}
		if l.unsorted {
			if err := v.duplicates(l.dir); err != nil {
				return err
			}
		}
		stack = stack[:len(stack)-1]
	}
	return nil
}

// next checks a directory's records up to the next directory, which it returns,
// or the end.
func (v *validator) next(l *level) (*Entry, error) {
	limit := l.dir.Offset + l.dir.Size
	for l.pos < limit {
		r, ok, err := v.record(l.pos, limit, l.dir, nil, Error)
		if !ok || err != nil {
			return nil, err
		}
		l.pos = r.end
		switch r.kind {
		case kindPadding, kindData:
			continue // data that pointers may use
		case kindPointer:
			v.add(CodeMisplaced, Warning, r.offset, l.dir, nil, "a data pointer directly in a directory: every reader skips it")
			continue
		case kindDirectory, kindFile:
		default:
			v.add(CodeUnknownKind, Warning, r.offset, l.dir, nil, "a record of kind %d, which readers skip; a newer format, or damage", r.kind)
			continue
		}
		body, ok, err := v.name(&r, l)
		if err != nil {
			return nil, err
		}
		if !ok {
			if body < 0 { // the driver ends the directory here
				return nil, nil
			}
			continue
		}
		l.unsorted = l.unsorted || l.entries > 0 && bytes.Compare(l.name, l.last) <= 0
		l.entries++
		if r.kind == kindDirectory {
			return &Entry{Name: string(l.name), Dir: true, Offset: body, Size: r.end - body, parent: l.dir}, nil
		}
		if err := v.file(body, &r, l); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// record decodes and checks the head of a record. Without ok there is no way to
// go on behind it. s is the severity of damage here.
func (v *validator) record(pos, limit int64, dir *Entry, name []byte, s Severity) (r record, ok bool, err error) {
	r, err = v.c.record(pos, limit)
	switch {
	case err == errEnd:
		v.add(CodeCut, s, pos, dir, name, "the last record is cut off: a board sees nothing from here to offset %d; build the image again", limit)
		return r, false, nil
	case err != nil:
		return r, false, err
	case r.kind == kindUnused:
		v.add(CodeUnused, s, pos, dir, name, "a record of kind 0, which marks damage: a board sees nothing from here to offset %d; build the image again", limit)
		return r, false, nil
	case r.end > limit:
		v.add(CodeOverrun, s, pos, dir, name, "a record of kind %d should have %s, %d fit into its parent: a board would read beyond it; build the image again", r.kind, length(r.end-r.body, r.end), limit-r.body)
		return r, false, nil
	case r.kind > maxKind:
		v.add(CodeKindWrap, s, pos, dir, name, "a record's kind exceeds 32 bits, so its meaning depends on the board; build the image again")
	}
	return r, true, nil
}

// length spells a number of bytes that may have been too large to hold.
func length(n, end int64) string {
	if end == math.MaxInt64 {
		return "more than 2^63 bytes"
	}
	return fmt.Sprintf("%d bytes", n)
}

// name reads the name of the entry in r into l.name, and checks it. Without ok it
// is no entry; body is then negative if the driver does not go on behind it
// either.
func (v *validator) name(r *record, l *level) (body int64, ok bool, err error) {
	dir := l.dir
	n, body, err := v.c.uint(r.body, r.end)
	switch {
	case err == errEnd:
		v.add(CodeCut, Error, r.offset, dir, nil, "a record of kind %d has no complete name: a board sees nothing from here to the end of the directory; build the image again", r.kind)
		return -1, false, nil
	case err != nil:
		return 0, false, err
	case n > r.end-body:
		v.add(CodeNameOverrun, Error, r.offset, dir, nil, "a name should have %s, %d fit into its record; build the image again", length(n, n), r.end-body)
		return 0, false, nil
	}
	l.last, l.name = l.name, l.last
	if l.name, err = v.c.append(l.name[:0], body, body+n); err != nil {
		return 0, false, err
	}
	name := l.name
	what := "file"
	if r.kind == kindDirectory {
		what = "directory"
	}
	switch {
	case len(name) == 0:
		v.add(CodeNameEmpty, Error, r.offset, dir, nil, "a %s without a name is listed on a board, but nothing can open it; give it a name", what)
	case string(name) == "." || string(name) == "..":
		v.add(CodeNameDot, Error, r.offset, dir, name, "a %s called %q: nothing but MicroPython's driver would open it; give it another name", what, name)
	case bytes.IndexByte(name, 0) >= 0:
		v.add(CodeNameNUL, Error, r.offset, dir, name, "a NUL byte in the name of a %s: it is listed on a board, but nothing can open it; give it another name", what)
	case bytes.IndexByte(name, '/') >= 0:
		v.add(CodeNameSlash, Error, r.offset, dir, name, "a slash in the name of a %s: a board finds it as if it were in a directory, but lists it otherwise; make it a directory", what)
	case !utf8.Valid(name):
		v.add(CodeNameNotUTF8, Error, r.offset, dir, name, "the name of a %s is not UTF-8: os.listdir of its directory raises UnicodeError on a board; give it another name", what)
	}
	return body + n, true, nil
}

// file checks the records from pos to the end of a file, whose name is l.name.
func (v *validator) file(pos int64, f *record, l *level) error {
	dir, name := l.dir, l.name
	found := false
	for pos < f.end {
		s := Error
		if found {
			s = Warning // the driver has stopped reading
		}
		r, ok, err := v.record(pos, f.end, dir, name, s)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		pos = r.end
		switch r.kind {
		case kindPadding:
		case kindData, kindPointer:
			if found {
				v.add(CodeExtraData, Warning, r.offset, dir, name, "a second data record, which readers ignore")
				continue
			}
			found = true
			if r.kind == kindPointer {
				if err := v.pointer(&r, dir, name); err != nil {
					return err
				}
			}
		case kindDirectory, kindFile:
			v.add(CodeMisplaced, Warning, r.offset, dir, name, "a directory or file inside a file: every reader skips it")
		default:
			v.add(CodeUnknownKind, Warning, r.offset, dir, name, "a record of kind %d, which readers skip; a newer format, or damage", r.kind)
		}
	}
	if !found {
		v.add(CodeNoData, Error, f.offset, dir, name, "the file has no data record: a board cannot open it, and lists nothing from here to the end of its directory; build the image again")
	}
	return nil
}

// pointer checks where a data pointer points.
func (v *validator) pointer(r *record, dir *Entry, name []byte) error {
	size, pos, err := v.c.uint(r.body, r.end)
	var offset int64
	if err == nil {
		offset, _, err = v.c.uint(pos, r.end)
	}
	room := v.c.size - v.c.base
	switch {
	case err == errEnd:
		v.add(CodePointerCut, Error, r.offset, dir, name, "its data pointer is cut off: a board cannot open the file, and lists nothing from here to the end of its directory; build the image again")
	case err != nil:
		return err
	case offset > room || size > room-offset:
		v.add(CodePointerRange, Error, r.offset, dir, name, "its data pointer, to %s at %s, leaves the image, whose payload has %d bytes: a board reads whatever is there; build the image again", length(size, size), length(offset, offset), room)
	}
	return nil
}

// duplicates reports entries of a directory that an earlier one of the same name
// hides. It scans the directory again, up to where it is damaged.
func (v *validator) duplicates(dir *Entry) error {
	first := map[string]int64{}
	s := dirScanner{dir: dir, pos: dir.Offset}
	for {
		e, err := s.next(v.c)
		if _, ok := err.(*FormatError); err != nil && !ok {
			return err
		}
		if e == nil {
			return nil
		}
		if offset, ok := first[e.Name]; ok {
			v.add(CodeDuplicateName, Error, e.RecordOffset, dir, []byte(e.Name), "a second entry of this name (the first is at offset %d): a board lists it, but never opens it or what is in it; remove one", offset)
			continue
		}
		first[e.Name] = e.RecordOffset
	}
}
