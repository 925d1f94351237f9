package manifest

import (
	"math/bits"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// A glob is one compiled pattern. It is matched segment by segment while a
// tree is walked, so that each directory and file is tested against each
// pattern once, whatever the depth.
//
// Within a segment, doublestar decides. Across segments, ** stands for any
// number of directories. A name that begins with a dot is only matched by a
// segment that begins with one, and never by **.
type glob struct {
	text string
	alts [][]segment // one for each expansion of the braces
	// fixed is the part before the first segment with a wildcard, unescaped;
	// for a literal, the whole path.
	fixed   string
	literal bool
}

// A segment matches one component of a path.
type segment struct {
	any            bool   // **
	literal        string // if wild is false
	wild           bool
	dot            bool // begins with a literal dot
	prefix, suffix string
	simple         bool   // prefix*suffix
	pattern        string // for doublestar
}

func (s *segment) match(name string) bool {
	if name[0] == '.' && !s.dot {
		return false
	}
	switch {
	case !s.wild:
		return name == s.literal
	case s.simple:
		return len(name) >= len(s.prefix)+len(s.suffix) && strings.HasPrefix(name, s.prefix) && strings.HasSuffix(name, s.suffix)
	}
	return doublestar.MatchUnvalidated(s.pattern, name)
}

// A globState is where matching stands in a directory: for each alternative,
// the segments that may match next, as a bit set.
type globState []uint64

// start returns the state in the root.
func (g *glob) start() globState {
	st := make(globState, len(g.alts))
	g.reset(st)
	return st
}

func (g *glob) reset(st globState) {
	for a, alt := range g.alts {
		st[a] = skipStars(alt, 1)
	}
}

// skipStars adds what follows a ** to a set that holds it, since ** may stand
// for no directory.
func skipStars(alt []segment, set uint64) uint64 {
	for i := range alt {
		if alt[i].any && set>>i&1 != 0 {
			set |= 1 << (i + 1)
		}
	}
	return set
}

// enter returns the state in the directory name, or nil if nothing below it
// can match.
func (g *glob) enter(st globState, name string) globState {
	out := make(globState, len(st))
	if !g.advance(st, out, name) {
		return nil
	}
	return out
}

// advance sets out, which may be st, to the state in the directory name. It
// reports whether anything below it can match.
func (g *glob) advance(st, out globState, name string) bool {
	alive := false
	for a, alt := range g.alts {
		next := uint64(0)
		for rest := st[a]; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros64(rest)
			if alt[i].any {
				if name[0] != '.' {
					next |= 1 << i
				}
			} else if i+1 < len(alt) && alt[i].match(name) {
				next |= 1 << (i + 1)
			}
		}
		out[a] = skipStars(alt, next)
		alive = alive || next != 0
	}
	return alive
}

// file reports whether the pattern matches the file name in the directory
// that st belongs to.
func (g *glob) file(st globState, name string) bool {
	for a, alt := range g.alts {
		if last := len(alt) - 1; st[a]>>last&1 != 0 && alt[last].match(name) {
			return true
		}
	}
	return false
}

// match reports whether the pattern matches a whole path.
func (g *glob) match(path string) bool {
	var few [4]uint64
	st := globState(few[:])
	if len(g.alts) > len(few) {
		st = make(globState, len(g.alts))
	}
	st = st[:len(g.alts)]
	g.reset(st)
	for {
		name, rest, more := strings.Cut(path, "/")
		if name == "" {
			return false
		}
		if !more {
			return g.file(st, name)
		}
		if !g.advance(st, st, name) {
			return false
		}
		path = rest
	}
}

// dirOf returns the directory of a slash path, "" for the root.
func dirOf(p string) string {
	i := strings.LastIndexByte(p, '/')
	return p[:max(i, 0)]
}
