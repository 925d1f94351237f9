package deploy

import "slices"

// A piece is a part of a group's new content: a copy of n bytes of the flash
// as it is before the deploy, or literal bytes.
type piece struct {
	dst int64 // offset in the image
	src int64 // offset in the flash; -1: literal
	n   int64
}

// A contents is what is known of the flash: bytes, and for which of them they
// are known.
type contents struct {
	b     []byte
	known []span // ascending, not touching
}

// A span is the range [from, to).
type span struct{ from, to int64 }

// window is the shortest run of bytes worth a copy: an operation costs 9.
const window = 32

// An index finds where a run of bytes is in known contents.
type index struct {
	c  contents
	at map[uint64]int64 // hash of the window at each multiple of window
}

// hashBase is the multiplier of the rolling hash; any odd number without
// structure will do. power is hashBase to the window-th.
const hashBase = 0x9e3779b97f4a7c15

var power = func() uint64 {
	p := uint64(1)
	for range window {
		p *= hashBase
	}
	return p
}()

func hashWindow(b []byte) uint64 {
	var h uint64
	for _, c := range b[:window] {
		h = h*hashBase + uint64(c) + 1
	}
	return h
}

func newIndex(c contents) *index {
	n := int64(0)
	for _, s := range c.known {
		n += (s.to - s.from) / window
	}
	x := &index{c, make(map[uint64]int64, n)}
	for _, s := range c.known {
		for at := s.from; at+window <= s.to; at += window {
			h := hashWindow(c.b[at:])
			if _, ok := x.at[h]; !ok {
				x.at[h] = at
			}
		}
	}
	return x
}

// span returns the known span around position at.
func (x *index) span(at int64) span {
	i, found := slices.BinarySearchFunc(x.c.known, at, func(s span, at int64) int {
		switch {
		case s.to <= at:
			return -1
		case s.from > at:
			return 1
		}
		return 0
	})
	if !found {
		return span{at, at}
	}
	return x.c.known[i]
}

// pieces covers image[from:to] with pieces, copying what it can. It looks for
// each window of the image at any offset, and takes the longest run around the
// place that it finds, or one that goes on where the last copy ended.
func (x *index) pieces(image []byte, from, to int64) []piece {
	var out []piece
	literal := from // start of what no piece covers yet
	emit := func(dst, src, n int64) {
		if dst > literal {
			out = append(out, piece{literal, -1, dst - literal})
		}
		out = append(out, piece{dst, src, n})
		literal = dst + n
	}
	var h uint64
	fresh := true
	for at := from; at+window <= to; {
		if fresh {
			h, fresh = hashWindow(image[at:]), false
		}
		if src, ok := x.at[h]; ok && string(x.c.b[src:src+window]) == string(image[at:at+window]) {
			s := x.span(src)
			back := int64(0)
			for at-back > literal && src-back > s.from && image[at-back-1] == x.c.b[src-back-1] {
				back++
			}
			n := int64(window)
			for at+n < to && src+n < s.to && image[at+n] == x.c.b[src+n] {
				n++
			}
			emit(at-back, src-back, n+back)
			at += n
			fresh = true
			continue
		}
		if at+window < to {
			h = h*hashBase + uint64(image[at+window]) + 1 - power*(uint64(image[at])+1)
		}
		at++
	}
	if to > literal {
		out = append(out, piece{literal, -1, to - literal})
	}
	return out
}

// A group is a part of the flash that is erased and written as one: an erase
// block, or a whole prefix where the firmware erases from the start only.
type group struct {
	off, len int64 // what is erased
	end      int64 // end of the image's bytes in it, from the partition's start
	pieces   []piece
}

// literal returns how many of the group's bytes have to be sent.
func (g *group) literal() (n int64) {
	for _, p := range g.pieces {
		if p.src < 0 {
			n += p.n
		}
	}
	return n
}

// order sorts groups so that each is written before what it copies from is
// overwritten by another group. Where groups copy from each other in a circle,
// the copies from the one that fewest bytes are copied from become literals.
// A group may copy from itself: it is put together in RAM first.
func order(groups []*group) []*group {
	slices.SortFunc(groups, func(a, b *group) int { return int(a.off - b.off) })
	c := copiesAmong(groups)
	var ready []int // nobody copies from these any more
	for i := range groups {
		if len(c.readers[i]) == 0 {
			ready = append(ready, i)
		}
	}
	out := make([]*group, 0, len(groups))
	for len(out) < len(groups) {
		if len(ready) == 0 {
			ready = append(ready, c.breakCircle())
		}
		out = append(out, groups[ready[0]])
		ready = append(ready[1:], c.write(ready[0])...)
		slices.Sort(ready) // maps have no order, and plans must be the same each time
		ready = slices.Compact(ready)
	}
	for _, g := range out {
		g.pieces = join(g.pieces)
	}
	return out
}

// copies is who copies from whom among groups, which are in the order of their
// offsets and named by their index in it.
type copies struct {
	groups  []*group
	readers []map[int]int64 // of each group: who copies how many bytes from it
	sources []map[int]bool  // of each group: from whom it copies
	written []bool
}

// copiesAmong finds the copies; it cuts the pieces, so that each copies from one group.
func copiesAmong(groups []*group) *copies {
	c := &copies{groups, make([]map[int]int64, len(groups)), make([]map[int]bool, len(groups)), make([]bool, len(groups))}
	for i := range groups {
		c.readers[i], c.sources[i] = map[int]int64{}, map[int]bool{}
	}
	for i, g := range groups {
		g.pieces = splitAt(g.pieces, groups)
		for _, p := range g.pieces {
			if o := c.owner(p.src); o >= 0 && o != i {
				c.readers[o][i] += p.n
				c.sources[i][o] = true
			}
		}
	}
	return c
}

// owner returns the group that contains the position, or -1.
func (c *copies) owner(at int64) int {
	i, found := slices.BinarySearchFunc(c.groups, at, func(g *group, at int64) int {
		switch {
		case g.off+g.len <= at:
			return -1
		case g.off > at:
			return 1
		}
		return 0
	})
	if !found {
		return -1
	}
	return i
}

// write is told that a group is written: free are those from which nobody copies after that.
func (c *copies) write(i int) (free []int) {
	c.written[i] = true
	for o := range c.sources[i] {
		delete(c.readers[o], i)
		if len(c.readers[o]) == 0 && !c.written[o] {
			free = append(free, o)
		}
	}
	return free
}

// breakCircle frees one group by turning the copies from it into literals.
func (c *copies) breakCircle() int {
	best, least := -1, int64(0)
	for i, readers := range c.readers {
		if c.written[i] {
			continue
		}
		var n int64
		for _, bytes := range readers {
			n += bytes
		}
		if best < 0 || n < least {
			best, least = i, n
		}
	}
	for r := range c.readers[best] {
		for k := range c.groups[r].pieces {
			if p := &c.groups[r].pieces[k]; p.src >= 0 && c.owner(p.src) == best {
				p.src = -1
			}
		}
		delete(c.sources[r], best)
	}
	clear(c.readers[best])
	return best
}

// splitAt cuts copies where groups begin and end, so that each copies from one
// group or from none.
func splitAt(pieces []piece, groups []*group) []piece {
	var out []piece
	for _, p := range pieces {
		for p.src >= 0 {
			// The next border of a group inside the piece.
			i, _ := slices.BinarySearchFunc(groups, p.src, func(g *group, at int64) int {
				if g.off+g.len <= at {
					return -1
				}
				return 1
			})
			cut := p.src + p.n
			if i < len(groups) {
				if g := groups[i]; g.off > p.src {
					cut = min(cut, g.off)
				} else {
					cut = min(cut, g.off+g.len)
				}
			}
			n := cut - p.src
			out = append(out, piece{p.dst, p.src, n})
			p = piece{p.dst + n, p.src + n, p.n - n}
			if p.n == 0 {
				break
			}
		}
		if p.n > 0 {
			out = append(out, p)
		}
	}
	return out
}

// join merges neighbours that continue each other.
func join(pieces []piece) []piece {
	var out []piece
	for _, p := range pieces {
		if k := len(out) - 1; k >= 0 {
			last := &out[k]
			if last.src < 0 && p.src < 0 || last.src >= 0 && last.src+last.n == p.src {
				last.n += p.n
				continue
			}
		}
		out = append(out, p)
	}
	return out
}
