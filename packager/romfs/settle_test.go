package romfs

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// search finds the smallest size of an image behind a header of the given
// width, by trying every width of every length up to 3 bytes, and every padding.
// It shares nothing with the settler but the order of items. (Run once with
// 300,000 trees of up to 7 entries: never a difference.)
type search struct {
	items []item
	best  int64
}

type openLength struct {
	last  int   // index behind the directory's last descendant
	start int64 // of what the length measures
	width int
}

func (s *search) run(i int, pos int64, open []openLength) {
	for len(open) > 0 && open[len(open)-1].last == i {
		d := open[len(open)-1]
		if bytesOf(pos-d.start) > d.width {
			return
		}
		open = open[:len(open)-1]
	}
	if pos >= s.best {
		return
	}
	if i == len(s.items) {
		s.best = pos
		return
	}
	n := s.items[i].node
	name := int64(bytesOf(int64(len(n.Name))) + len(n.Name))
	for width := 1; width <= 3; width++ {
		start := pos + 1 + int64(width)
		if n.Dir {
			s.run(i+1, start+name, append(open[:len(open):len(open)], openLength{s.items[i].last, start, width}))
			continue
		}
		align := max(n.Align, 1)
		if n.Size == 0 {
			align = 1
		}
		for pad := range 2*align + 1 {
			at := start + name + 1 + int64(bytesOf(n.Size)) + pad
			if at%align == 0 && bytesOf(at+n.Size-start) <= width {
				s.run(i+1, at+n.Size, open)
			}
		}
	}
}

// bytesOf is the length of the shortest varuint, written another way than uintLen.
func bytesOf(n int64) int {
	switch {
	case n < 128:
		return 1
	case n < 128*128:
		return 2
	case n < 128*128*128:
		return 3
	}
	panic("too large for this search")
}

// smallTree makes a tree whose lengths are near the point where they need a
// second byte.
func smallTree(r *rand.Rand) *Node {
	root := &Node{Dir: true}
	dirs := []*Node{root}
	for i := range 1 + r.IntN(6) {
		parent := dirs[r.IntN(len(dirs))]
		n := &Node{Name: string(rune('a' + i)), Size: int64(r.IntN(8)), Align: 1 << r.IntN(5)}
		switch r.IntN(3) {
		case 0:
			n = &Node{Name: n.Name, Dir: true}
			dirs = append(dirs, n)
		case 1:
			n.Size = int64(100 + r.IntN(30))
		}
		parent.Children = append(parent.Children, n)
	}
	return root
}

// TestGreedyIsOptimal compares the settler with an exhaustive search.
func TestGreedyIsOptimal(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	const trees = 10000
	for i := range trees {
		root := smallTree(r)
		s, err := newSettler(root, Options{})
		if err != nil {
			t.Fatal(err)
		}
		header := 2 + r.IntN(8)
		if !s.settle(header) {
			continue
		}
		want := search{items: s.items, best: s.end + 100}
		want.run(0, s.base(), nil)
		if s.end != want.best {
			t.Errorf("tree %d, %s: settled at %d, the best that the search found is %d", i, spell(root), s.end, want.best)
		}
	}
}

// spell writes a tree as name:size@alignment and name(children).
func spell(n *Node) string {
	if !n.Dir {
		return fmt.Sprintf("%s:%d@%d", n.Name, n.Size, n.Align)
	}
	s := n.Name + "("
	for _, c := range n.Children {
		s += spell(c) + " "
	}
	return s + ")"
}
