// Package pattern matches slash paths against the patterns that manifests and
// board files are written in. Their syntax is doublestar's: *, ?, [a-z], {a,b}
// and ** for any number of directories; a backslash makes the next of these
// literal.
//
// Within a segment of a path, doublestar decides. Across segments the package
// has its own matcher, since many patterns are matched in one walk of a tree, or
// against a list where there is no tree; its tests compare it with doublestar.
// It differs in one thing: patterns are for files, so that "dir/**" does not
// match dir itself.
//
// Everything that matches paths uses this package: there is one rule for
// sources, one for destinations, and one for those of a board's profile.
package pattern

import (
	"math/bits"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// A For says what a pattern is for.
type For int

const (
	// Sources are files of a source tree. A name that begins with a dot is
	// matched only by a segment that begins with one, and never by **.
	Sources For = iota
	// Destinations are files of an image. Names with a dot are ordinary there,
	// and a pattern may begin with the slash of the root.
	Destinations
	// Board is a destination of a board's profile. Case does not count: FAT
	// drives and cameras hand out MODEL.TFLITE, which firmware runs in place as
	// well.
	Board
)

// A Pattern is one compiled pattern. It is matched segment by segment, so that
// in a walk each directory and file is tested once, whatever the depth.
type Pattern struct {
	text    string
	lower   bool
	alts    [][]segment // one for each expansion of the braces
	fixed   string
	literal bool
}

// Text returns the pattern as it was written.
func (p *Pattern) Text() string { return p.text }

// Fixed returns the part before the first segment with a wildcard, unescaped;
// for a literal, the whole path.
func (p *Pattern) Fixed() string { return p.fixed }

// Literal reports whether the pattern has no wildcard, and so stands for one
// path.
func (p *Pattern) Literal() bool { return p.literal }

// Alternatives returns how many patterns the braces stand for.
func (p *Pattern) Alternatives() int { return len(p.alts) }

// Base returns the directory below which a match keeps its path by default:
// the fixed part of a pattern, and the directory of a literal.
func (p *Pattern) Base() string {
	if p.literal {
		return parent(p.fixed)
	}
	return p.fixed
}

// parent returns the directory of a slash path, "" for the root.
func parent(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }

// A segment matches one component of a path.
type segment struct {
	any            bool   // **
	literal        string // if wild is false
	wild           bool
	dot            bool // matches names that begin with a dot
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

// A State is where matching stands in a directory: for each alternative, the
// segments that may match next, as a bit set.
type State []uint64

// Start returns the state in the root.
func (p *Pattern) Start() State {
	st := make(State, len(p.alts))
	p.reset(st)
	return st
}

func (p *Pattern) reset(st State) {
	for a, alt := range p.alts {
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

// Enter returns the state in the directory name, or nil if nothing below it
// can match.
func (p *Pattern) Enter(st State, name string) State {
	out := make(State, len(st))
	if !p.advance(st, out, p.fold(name)) {
		return nil
	}
	return out
}

// advance sets out, which may be st, to the state in the directory name. It
// reports whether anything below it can match.
func (p *Pattern) advance(st, out State, name string) bool {
	alive := false
	for a, alt := range p.alts {
		next := uint64(0)
		for rest := st[a]; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros64(rest)
			if alt[i].any {
				if name[0] != '.' || alt[i].dot {
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

// File reports whether the pattern matches the file name in the directory that
// st belongs to.
func (p *Pattern) File(st State, name string) bool { return p.file(st, p.fold(name)) }

func (p *Pattern) file(st State, name string) bool {
	for a, alt := range p.alts {
		if last := len(alt) - 1; st[a]>>last&1 != 0 && alt[last].match(name) {
			return true
		}
	}
	return false
}

// Match reports whether the pattern matches a whole path. A path is relative to
// the root: without a slash at its start.
func (p *Pattern) Match(path string) bool {
	path = p.fold(path)
	var few [4]uint64
	st := State(few[:])
	if len(p.alts) > len(few) {
		st = make(State, len(p.alts))
	}
	st = st[:len(p.alts)]
	p.reset(st)
	for {
		name, rest, more := strings.Cut(path, "/")
		if name == "" {
			return false
		}
		if !more {
			return p.file(st, name)
		}
		if !p.advance(st, st, name) {
			return false
		}
		path = rest
	}
}

func (p *Pattern) fold(path string) string {
	if p.lower {
		return strings.ToLower(path)
	}
	return path
}
