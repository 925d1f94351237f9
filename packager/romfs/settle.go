package romfs

// tailRecord is the padding record that makes an odd image even: the shortest
// one of an odd size.
const tailRecord = "\x01\x01\x00"

// An item is a node in image order and its place. A directory stands before
// its descendants, which end before index last.
type item struct {
	node   *Node
	index  int
	parent int // index of the directory; -1 in the root
	last   int // directories: index behind the last descendant

	// first is the index of the first file with the same content, or the
	// item's own. A file with another first becomes a pointer, unless inline:
	// a pointer turned out not to be smaller. That decision is never taken back.
	first  int
	inline bool

	// minWidth is the least width of a directory's length. It only grows: a
	// directory whose content shrinks again keeps an over-long length.
	minWidth int

	// What the last pass found.
	record  int64 // offset of the record
	width   int   // of the record's length
	payload int64 // the record's length
	content int64 // offset of the file's bytes or of the directory's first record; of a Record nothing
	padding int64 // 0x80 bytes in the data record's length
	align   int64 // that the content got
	pointer bool

	file int // index in Plan.Files
}

// A settler finds a fixpoint of all offsets. A length is written in front of
// what it measures, so a wider length moves what follows, whose padding then
// changes, which may change the length. Settling in passes, with widths that
// never shrink, always ends; insisting on the shortest lengths would not, for
// some trees have no such fixpoint.
type settler struct {
	layout    Layout
	keepOrder bool
	items     []item
	shared    bool // some items have another first
	dirAlign  int64
	unit      int64 // Stable: the erase unit
	writeUnit int64 // what the header is to be safe for; 0: Stable has a safe one anyway
	boundary  int   // Stable: index of the file that starts at a unit; -1: none
	header    int   // width of the outer length
	tail      int64 // bytes of the root's padding record
	end       int64 // size of the image
}

// reset forgets what an earlier header width taught, so that the result does
// not depend on the widths tried before.
func (s *settler) reset() {
	for i := range s.items {
		it := &s.items[i]
		it.inline, it.minWidth = false, 1
		if it.node.Dir && s.layout == Stable {
			it.minWidth = stableDirWidth
		}
	}
	// Lengths without any padding are a lower bound, and without alignment
	// already the answer. Descendants follow their directory, so going
	// backwards meets each directory after its content.
	need := make([]int64, len(s.items))
	for i := len(s.items) - 1; i >= 0; i-- {
		it := &s.items[i]
		n := it.node
		if n.Record {
			if it.parent >= 0 {
				need[it.parent] += n.Size
			}
			continue
		}
		size := need[i] + nameField(n) + int64(len(n.Before)+len(n.After))
		if !n.Dir {
			data := 1 + int64(uintLen(n.Size)) + n.Size
			if it.first != i {
				data = min(data, 2+int64(uintLen(n.Size))+1)
			}
			size += data
		}
		width := max(uintLen(size), it.minWidth)
		if n.Dir {
			it.minWidth = width
		}
		if it.parent >= 0 {
			need[it.parent] += 1 + int64(width) + size
		}
	}
}

// settle places everything behind an outer length of the given width, and
// tells if the outer length fits into it.
func (s *settler) settle(header int) bool {
	s.reset()
	s.header = header
	for s.pass() {
	}
	return uintLen(s.end-s.base()) <= header
}

// base is the offset of the outer payload's first byte.
func (s *settler) base() int64 { return int64(len(Magic) + s.header) }

// pass places all items once, from front to back, and tells if another pass is
// needed because a length outgrew its width or a pointer became inline.
func (s *settler) pass() (again bool) {
	s.want()
	pos := s.base()
	var open []int // directories around the place at hand
	for i := 0; i <= len(s.items); i++ {
		for len(open) > 0 && s.items[open[len(open)-1]].last == i {
			again = s.items[open[len(open)-1]].close(pos) || again
			open = open[:len(open)-1]
		}
		if i == len(s.items) {
			break
		}
		it := &s.items[i]
		it.record = pos
		switch {
		case it.node.Record:
			pos += it.node.Size
		case it.node.Dir:
			pos = s.openDir(it)
			open = append(open, i)
		default:
			var changed bool
			pos, changed = s.file(pos, it)
			again = again || changed
		}
	}
	s.end = pos + s.tail
	return again
}

// want notes the alignment of each item; of one that others point to the largest
// of theirs.
func (s *settler) want() {
	for i := range s.items {
		s.items[i].align = s.wanted(i)
	}
	if !s.shared {
		return
	}
	for i := range s.items {
		if it := &s.items[i]; it.first != i && !it.inline {
			first := &s.items[it.first]
			first.align = max(first.align, it.align)
		}
	}
}

// file places a file at pos, as a pointer where that is smaller, and returns
// where it ends. A file that no longer is one changes what was placed before.
func (s *settler) file(pos int64, it *item) (end int64, changed bool) {
	place := s.inline(pos, it)
	if it.first != it.index && !it.inline {
		if short := s.pointer(pos, it); short.end < place.end {
			place = short
		} else {
			it.inline, changed = true, true
		}
	}
	it.pointer = place.pointer
	it.width, it.payload, it.content, it.padding = place.width, place.payload, place.content, place.padding
	return place.end, changed
}

// wanted is the alignment of an item's content by itself.
func (s *settler) wanted(i int) int64 {
	n := s.items[i].node
	switch {
	case n.Dir:
		return 0
	case i == s.boundary:
		return lcm(s.unit, max(n.Align, 1))
	case s.layout == OpenMV && n.Align == 0:
		return openMVAlign
	case s.layout != OpenMV && n.Size == 0:
		return 0 // no bytes to align
	}
	return n.Align
}

// openDir places the front of a directory and returns where its content goes.
func (s *settler) openDir(it *item) int64 {
	it.width = it.minWidth
	it.content = it.record + 1 + int64(it.width) + nameField(it.node)
	if s.layout == OpenMV {
		gap := alignUp(it.content, s.dirAlign) - it.content
		it.width += int(gap)
		it.content += gap
	}
	return it.content
}

// close ends a directory at pos and tells if its length needs more bytes than
// it has.
func (it *item) close(pos int64) bool {
	it.payload = pos - it.record - 1 - int64(it.width)
	if n := uintLen(it.payload); n > it.minWidth {
		it.minWidth = n
		return true
	}
	return false
}

// A place is one way to write a file's record.
type place struct {
	width                          int
	payload, content, padding, end int64
	pointer                        bool
}

// inline places a file at pos with its bytes in the record. Padding only the
// data record's length is enough for any gap from 0 up, and the least gap is
// the best: a record that starts earlier can always end earlier, or where it
// ended before, because its padding can grow by what was gained.
func (s *settler) inline(pos int64, it *item) place {
	size := it.node.Size
	width := 1
	if s.layout == OpenMV {
		width = openMVFileHeader - 1
	}
	for ; ; width++ {
		front := pos + 1 + int64(width)
		least := front + nameField(it.node) + int64(len(it.node.Before)) + 1 + int64(uintLen(size))
		content := alignUp(least, it.align)
		end := content + size + int64(len(it.node.After))
		if uintLen(end-front) <= width {
			return place{width: width, payload: end - front, content: content, padding: content - least, end: end}
		}
	}
}

// pointer places a file at pos as a pointer to the bytes of the first file of
// its content.
func (s *settler) pointer(pos int64, it *item) place {
	first := s.items[it.first].content
	data := int64(uintLen(it.node.Size) + uintLen(first-s.base()))
	payload := nameField(it.node) + int64(len(it.node.Before)+len(it.node.After)) + 1 + int64(uintLen(data)) + data
	width := uintLen(payload)
	return place{width: width, payload: payload, content: first, end: pos + 1 + int64(width) + payload, pointer: true}
}

// nameField is the size of a record's name with its length.
func nameField(n *Node) int64 { return int64(uintLen(int64(len(n.Name))) + len(n.Name)) }

// alignUp returns the next multiple of to (0 and 1: any) from n up.
func alignUp(n, to int64) int64 {
	if to > 1 {
		n += (to - n%to) % to
	}
	return n
}

// lcm is the least common multiple of an erase unit and an alignment.
func lcm(unit, align int64) int64 {
	a, b := unit, align
	for b > 0 {
		a, b = b, a%b
	}
	return unit / a * align
}
