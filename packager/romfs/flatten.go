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
	type level struct {
		index    int // of the directory in items, -1 for the root
		path     string
		children []*Node
	}
	bulk := map[*Node]bool{}
	if s.layout == Stable {
		markBulk(root, bulk, 0)
	}
	open := func(index int, path string, n *Node) (level, error) {
		c, err := n.children(path, s.keepOrder)
		quiet, loud := make([]*Node, 0, len(c)), []*Node(nil)
		for _, n := range c {
			if bulk[n] && !s.keepOrder {
				loud = append(loud, n)
			} else {
				quiet = append(quiet, n)
			}
		}
		return level{index, path, append(quiet, loud...)}, err
	}
	top, err := open(-1, ".", root)
	if err != nil {
		return err
	}
	stack := []level{top}
	for len(stack) > 0 {
		l := &stack[len(stack)-1]
		if len(l.children) == 0 {
			if l.index >= 0 {
				s.items[l.index].last = len(s.items)
			}
			stack = stack[:len(stack)-1]
			continue
		}
		n := l.children[0]
		l.children = l.children[1:]
		i := len(s.items)
		s.items = append(s.items, item{node: n, index: i, parent: l.index, last: i + 1, first: i, minWidth: 1})
		if n.Dir {
			if len(stack) > MaxDepth {
				return &TreeError{join(l.path, n.Name), fmt.Sprintf("directories nest deeper than %d", MaxDepth)}
			}
			next, err := open(i, join(l.path, n.Name), n)
			if err != nil {
				return err
			}
			stack = append(stack, next)
		} else {
			s.dirAlign = max(s.dirAlign, n.Align)
			if n.Bulk && n.Size > 0 && s.boundary < 0 && s.layout == Stable {
				s.boundary = i
			}
		}
	}
	return nil
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
