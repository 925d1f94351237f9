package romfs

import (
	"cmp"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
)

// A Node is a file or directory to put into an image.
type Node struct {
	// Name is the final component of the path; the root's is ignored. Names are
	// bytes: not empty, ".", "..", and without "/" and NUL.
	Name string

	// Dir marks a directory, with Children in any order. Layout OpenMV keeps
	// their order, the others sort them.
	Dir      bool
	Children []*Node

	// Size is the length of a file in bytes.
	Size int64

	// Align is the alignment in bytes that a file's payload needs, relative to
	// the partition's base: a power of two; 0 and 1 mean none.
	Align int64

	// Bulk marks a file that layout Stable puts behind everything else in its
	// directory: large, and rarely changed.
	Bulk bool

	// Sum is the SHA-256 of a file's content. It is the key of deduplication
	// (files without one are never shared), and writing checks it.
	Sum [32]byte

	// Record marks a record that is written as it is, kind and length included:
	// one that readers skip, in an image that is rewritten. It has Size bytes,
	// no name, and no place in a Plan's Files.
	Record bool

	// Before and After are records inside a file's, around its data, that are
	// written as they are.
	Before, After []byte

	// Open opens a file's content, which must have Size bytes. It is called
	// once by each [Plan.WriteTo], and not at all for a file that shares
	// another's bytes.
	Open func() (io.ReadCloser, error)
}

// A Layout is a strategy of placing files.
type Layout int

const (
	// Compact is the smallest layout: entries sorted by name, the least
	// padding. Without alignment, repeats and a write unit its bytes equal those
	// of `mpremote romfs build --no-mpy`.
	Compact Layout = iota

	// Stable keeps bulk files where they are while other files grow: these
	// come last in each directory, and the first starts on an erase unit.
	Stable

	// OpenMV gives the bytes of OpenMV's own builders: entries in the order
	// given, a 16-byte header, 8-byte file headers, and every directory's
	// content aligned.
	OpenMV
)

var layoutNames = []string{Compact: "compact", Stable: "stable", OpenMV: "openmv"}

func (l Layout) String() string {
	if l < 0 || int(l) >= len(layoutNames) {
		return fmt.Sprintf("Layout(%d)", int(l))
	}
	return layoutNames[l]
}

// ParseLayout returns the layout of that name: compact, stable or openmv.
func ParseLayout(name string) (Layout, error) {
	if i := slices.Index(layoutNames, name); i >= 0 {
		return Layout(i), nil
	}
	return 0, fmt.Errorf("unknown layout %q: use one of %s", name, strings.Join(layoutNames, ", "))
}

// Options choose a layout. The zero value is Compact without deduplication.
type Options struct {
	Layout Layout

	// Dedup stores files of the same Sum once, where a pointer is smaller and
	// the whole image as well. Only layout Compact has pointers; the others
	// ignore it.
	Dedup bool

	// EraseUnit is the boundary in bytes that layout Stable puts before the
	// first bulk payload: the board's erase unit. 0 means 4096.
	EraseUnit int64

	// WriteUnit is the number of bytes that the flash programs at once and not
	// again before an erase: the word of flash with ECC. Layouts Compact and Stable
	// make their header wide enough ([StableHeader]) that a power cut during a
	// deploy's last write can do no harm ([TornCommit]). 0 means that nothing is
	// known: Stable takes 4, Compact the shortest header.
	WriteUnit int64

	// DirAlign is the alignment in bytes that layout OpenMV gives the content
	// of each directory: the largest of the board's alignment rules. 0 means
	// 4; a file's own larger alignment raises it.
	DirAlign int64

	// KeepOrder keeps the order of children in every layout, as OpenMV does.
	KeepOrder bool

	// MaxSize is the room for the image in bytes, 0 for any. A plan may exceed
	// it; layout Stable drops its boundary before it does.
	MaxSize int64
}

// A TreeError is a node that cannot be laid out.
type TreeError struct {
	Path   string // slash path of the node; "." is the root
	Reason string
}

func (e *TreeError) Error() string { return fmt.Sprintf("%q: %s", shorten(e.Path), e.Reason) }

// shorten leaves out the middle of a path that nobody reads to its end.
func shorten(path string) string {
	const front, back = 60, 40
	if len(path) <= front+back {
		return path
	}
	return strings.ToValidUTF8(path[:front], "") + "…" + strings.ToValidUTF8(path[len(path)-back:], "")
}

// A SizeError is an image that would be larger than any board can address.
type SizeError struct{ Size int64 } // bytes

func (e *SizeError) Error() string {
	return fmt.Sprintf("the image would have %d bytes, and boards address at most %d", e.Size, int64(MaxSize))
}

// CheckName returns what makes name useless as the name of a file or directory
// in an image, or nil. The driver splits paths at "/" and ends them at NUL, so
// it could never find such an entry; "." and ".." it would treat as ordinary
// names, which no tool expects.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("an empty name cannot be looked up")
	case name == "." || name == "..":
		return fmt.Errorf("%q is no name: nothing resolves it on the board", name)
	case strings.Contains(name, "/"):
		return fmt.Errorf("a name cannot hold %q: the board would take it for a directory", "/")
	case strings.Contains(name, "\x00"):
		return fmt.Errorf("a name cannot hold a NUL byte: the board's paths end there")
	}
	return nil
}

// powerOfTwo tells if n is a legal alignment; 0 and 1 mean none.
func powerOfTwo(n int64) bool { return n == 0 || n > 0 && bits.OnesCount64(uint64(n)) == 1 }

// children returns n's children in image order, checked.
func (n *Node) children(path string, keepOrder bool) ([]*Node, error) {
	list := slices.Clone(n.Children)
	byName := slices.Clone(list)
	for _, c := range list {
		if c == nil {
			return nil, &TreeError{path, "has a child that is nil"}
		}
	}
	slices.SortStableFunc(byName, func(a, b *Node) int { return cmp.Compare(a.Name, b.Name) })
	for i, c := range byName {
		if err := c.check(); err != nil {
			return nil, &TreeError{join(path, c.Name), err.Error()}
		}
		if i > 0 && byName[i-1].Name == c.Name && !c.Record {
			return nil, &TreeError{join(path, c.Name), "two entries have this name; the board would see only one of them"}
		}
	}
	if keepOrder {
		return list, nil
	}
	return byName, nil
}

func (n *Node) check() error {
	if err := CheckName(n.Name); err != nil && !n.Record {
		return err
	}
	switch {
	case n.Dir:
		return nil
	case len(n.Children) > 0:
		return fmt.Errorf("a file cannot have children")
	case n.Size < 0:
		return fmt.Errorf("the size is negative: %d", n.Size)
	case n.Size > MaxSize:
		return fmt.Errorf("%d bytes do not fit into an image: the limit is %d", n.Size, int64(MaxSize))
	case !powerOfTwo(n.Align) || n.Align > MaxSize:
		return fmt.Errorf("alignment %d is no power of two up to 2^31", n.Align)
	}
	return nil
}

// join appends a name to a slash path whose root is ".".
func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}
