package romfs

// A Plan says where every byte of an image goes. All offsets count from the
// first byte of the image, which is the partition's base on a board.
type Plan struct {
	Layout Layout
	Size   int64 // of the whole image in bytes

	// HeaderSize is the number of bytes before the outer payload: the magic and
	// the length. Data pointers count from here.
	HeaderSize int64

	Files []Placed    // in image order
	Dirs  []PlacedDir // in image order, without the root

	// Padding is the number of bytes that carry nothing: over-long lengths,
	// for alignment or of a fixed width, and the record that makes the size even.
	Padding int64

	// HeaderPadding is the part of Padding in the outer length.
	HeaderPadding int64

	// TailPadding is the part of Padding in a record at the end of the image,
	// which makes the size even where no wider header does.
	TailPadding int64

	// Shared is the number of bytes of content that are not stored again: the
	// sizes of all files that share another's bytes.
	Shared int64

	// Boundary is the erase unit that layout Stable aligned the first bulk
	// payload to, or 0; Slack is how many bytes the entries before it can grow
	// until it moves.
	Boundary, Slack int64

	// BoundaryDropped tells that layout Stable gave up its boundary because the
	// image would not fit Options.MaxSize with it. With it, the image would have
	// had BoundarySize bytes.
	BoundaryDropped bool
	BoundarySize    int64

	items []item
	tail  int64
}

// A Placed is a file of a plan.
type Placed struct {
	Path         string // slash path in the image, without a leading slash
	RecordOffset int64  // first byte of the file's record
	Offset       int64  // first byte of the content
	Size         int64  // of the content
	Stored       int64  // bytes of content in this record: Size, or 0 for a pointer
	Align        int64  // asked for by the node
	Given        int64  // that the layout aligned the content to; 0 or 1: to nothing
	Padding      int64  // bytes of padding in this record's lengths

	// SharedWith is the path of the file whose bytes this one points to, or "".
	SharedWith string
	// AlignedFor is the path of the file that shares these bytes and asks for
	// the alignment Given, where it is not this one.
	AlignedFor string
	// Boundary marks the first bulk payload, which starts an erase unit.
	Boundary bool

	Node *Node
}

// A PlacedDir is a directory of a plan.
type PlacedDir struct {
	Path         string
	RecordOffset int64 // first byte of the directory's record
	Offset       int64 // first byte of its first child's record
	Size         int64 // bytes of its children's records
	Padding      int64 // bytes of padding in its length
	Node         *Node
}

// NewPlan lays out the tree under root, which must be a directory. It reads no
// file. The result depends on the tree and the options alone: not on the order
// of children, except in layout OpenMV. The error is a *TreeError, a *SizeError,
// or says that an option is out of range.
func NewPlan(root *Node, o Options) (*Plan, error) {
	s, err := newSettler(root, o)
	if err != nil {
		return nil, err
	}
	switch o.Layout {
	case Stable:
		return s.stable(o.MaxSize)
	case OpenMV:
		return s.openMV()
	}
	p, err := s.compact()
	if err != nil || p.Shared == 0 {
		return p, err
	}
	// A pointer is smaller than what it replaces, but the first file may pay for
	// it with padding for another's alignment.
	o.Dedup = false
	if plain, err := NewPlan(root, o); err != nil || plain.Size <= p.Size {
		return plain, err
	}
	return p, nil
}

// plan turns settled items into a Plan.
func (s *settler) plan() (*Plan, error) {
	p := &Plan{
		Layout:     s.layout,
		HeaderSize: int64(len(Magic) + s.header),
		Size:       s.end,
		Files:      make([]Placed, 0, len(s.items)),
		items:      s.items,
		tail:       s.tail,
	}
	if p.Size > MaxSize {
		return nil, &SizeError{p.Size}
	}
	p.HeaderPadding = int64(s.header - uintLen(p.Size-p.HeaderSize))
	p.TailPadding = s.tail
	p.Padding = p.HeaderPadding + p.TailPadding

	paths := make([]string, len(s.items))
	for i := range s.items {
		it := &s.items[i]
		paths[i] = it.node.Name
		if it.parent >= 0 {
			paths[i] = paths[it.parent] + "/" + it.node.Name
		}
		if it.node.Record {
			continue
		}
		padding := int64(it.width-uintLen(it.payload)) + it.padding
		p.Padding += padding
		if it.node.Dir {
			p.Dirs = append(p.Dirs, PlacedDir{
				Path: paths[i], RecordOffset: it.record, Offset: it.content,
				Size: it.record + 1 + int64(it.width) + it.payload - it.content, Padding: padding, Node: it.node,
			})
			continue
		}
		f := Placed{
			Path: paths[i], RecordOffset: it.record, Offset: it.content, Size: it.node.Size, Stored: it.node.Size,
			Align: it.node.Align, Given: it.align, Padding: padding, Node: it.node,
		}
		if it.pointer {
			first := &s.items[it.first]
			f.Stored, f.Offset, f.Given = 0, first.content, first.align
			f.SharedWith = paths[it.first]
			p.Shared += f.Size
			s.explain(p, paths, it)
		}
		if i == s.boundary {
			f.Boundary = true
			p.Boundary, p.Slack = s.unit, padding
		}
		it.file = len(p.Files)
		p.Files = append(p.Files, f)
	}
	return p, nil
}

// explain names, at the file whose bytes a pointer uses, the first user that
// asks for the alignment it got.
func (s *settler) explain(p *Plan, paths []string, user *item) {
	first := &s.items[user.first]
	f := &p.Files[first.file]
	if f.AlignedFor == "" && f.Given > max(f.Align, 1) && user.align == f.Given {
		f.AlignedFor = paths[user.index]
	}
}
