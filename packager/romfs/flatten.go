package romfs

import "fmt"

func newSettler(root *Node, o Options) (*settler, error) {
	switch {
	case root == nil || !root.Dir:
		return nil, &TreeError{".", "the root must be a directory"}
	case o.Layout < Compact || o.Layout > OpenMV:
		return nil, fmt.Errorf("romfs: unknown layout %v", o.Layout)
	case o.EraseUnit < 0 || o.EraseUnit > 1<<28:
		return nil, fmt.Errorf("romfs: an erase unit of %d bytes is out of range", o.EraseUnit)
	case o.WriteUnit < 0:
		return nil, fmt.Errorf("romfs: a write unit of %d bytes is out of range", o.WriteUnit)
	case !powerOfTwo(o.DirAlign) || o.DirAlign > MaxSize:
		return nil, fmt.Errorf("romfs: directory alignment %d is no power of two up to 2^31", o.DirAlign)
	}
	s := &settler{layout: o.Layout, keepOrder: o.KeepOrder || o.Layout == OpenMV, boundary: -1, unit: o.EraseUnit, writeUnit: o.WriteUnit, dirAlign: max(o.DirAlign, openMVAlign)}
	if s.unit == 0 {
		s.unit = 4096
	}
	if err := s.flatten(root); err != nil {
		return nil, err
	}
	if o.Dedup && o.Layout == Compact {
		s.share()
	}
	return s, nil
}

// flatten lists the tree in image order. It keeps its own stack, so that depth
// costs memory only.
func (s *settler) flatten(root *Node) error {
	f := flattener{s: s, bulk: map[*Node]bool{}}
	if s.layout == Stable {
		markBulk(root, f.bulk, 0)
	}
	if err := f.open(-1, ".", root); err != nil {
		return err
	}
	for len(f.stack) > 0 {
		if err := f.step(); err != nil {
			return err
		}
	}
	return nil
}

// A flattener walks a tree.
type flattener struct {
	s     *settler
	bulk  map[*Node]bool // that are or hold bulk files, in layout Stable
	stack []opened       // the directories around the place at hand
	paths int64          // the lengths of all paths so far
}

// An opened directory is one whose children are being listed.
type opened struct {
	index    int // in items, -1 for the root
	path     string
	children []*Node // that are left
}

// open begins the directory n.
func (f *flattener) open(index int, path string, n *Node) error {
	if len(f.stack) > MaxDepth {
		return &TreeError{path, fmt.Sprintf("directories nest deeper than %d", MaxDepth)}
	}
	all, err := n.children(path, f.s.keepOrder)
	if err != nil {
		return err
	}
	f.stack = append(f.stack, opened{index, path, f.order(all)})
	return nil
}

// order puts what is or holds bulk files behind everything else.
func (f *flattener) order(children []*Node) []*Node {
	if len(f.bulk) == 0 || f.s.keepOrder {
		return children
	}
	list, last := make([]*Node, 0, len(children)), []*Node(nil)
	for _, c := range children {
		if f.bulk[c] {
			last = append(last, c)
		} else {
			list = append(list, c)
		}
	}
	return append(list, last...)
}

// step lists the next child of the innermost directory, or ends that.
func (f *flattener) step() error {
	s, l := f.s, &f.stack[len(f.stack)-1]
	if len(l.children) == 0 {
		if l.index >= 0 {
			s.items[l.index].last = len(s.items)
		}
		f.stack = f.stack[:len(f.stack)-1]
		return nil
	}
	n := l.children[0]
	l.children = l.children[1:]
	i := len(s.items)
	s.items = append(s.items, item{node: n, index: i, parent: l.index, last: i + 1, first: i, minWidth: 1})
	if f.paths += pathLen(l.path, n); f.paths > MaxPaths {
		return &TreeError{join(l.path, n.Name), fmt.Sprintf("with it the paths of all files and directories add up to more than %d MiB, the limit", MaxPaths>>20)}
	}
	if n.Dir {
		return f.open(i, join(l.path, n.Name), n)
	}
	s.dirAlign = max(s.dirAlign, n.Align)
	if n.Bulk && n.Size > 0 && s.boundary < 0 && s.layout == Stable {
		s.boundary = i
	}
	return nil
}

// pathLen is the length of the path of a child of dir, without making it.
func pathLen(dir string, n *Node) int64 {
	switch {
	case n.Record:
		return 0
	case dir == ".":
		return int64(len(n.Name))
	}
	return int64(len(dir) + 1 + len(n.Name))
}

// markBulk notes the nodes that are or hold bulk files, as deep as a tree may be.
func markBulk(n *Node, bulk map[*Node]bool, depth int) bool {
	found := !n.Dir && n.Bulk && n.Size > 0
	for _, c := range n.Children {
		if c != nil && depth <= MaxDepth && markBulk(c, bulk, depth+1) {
			found = true
		}
	}
	if found {
		bulk[n] = true
	}
	return found
}

// share finds files of the same content. The first in image order keeps the
// bytes, so that pointers point backwards, to offsets that are known when the
// pointer's own size matters.
func (s *settler) share() {
	type key struct {
		size int64
		sum  [32]byte
	}
	seen := map[key]int{}
	for i := range s.items {
		n := s.items[i].node
		if n.Dir || n.Size == 0 || n.Sum == [32]byte{} {
			continue
		}
		k := key{n.Size, n.Sum}
		if first, ok := seen[k]; ok {
			s.items[i].first = first
			s.shared = true
		} else {
			seen[k] = i
		}
	}
}
