package inspect

import (
	"io"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/romfs"
)

// Limits of the nested images that are gone into: more is no image that somebody
// made. The same bytes can be a file many times.
const (
	maxNested      = 1000
	maxNestedDepth = 8
)

// A level is where an image lies: in a file of another one. The zero level is
// the image at hand itself.
type level struct {
	path   string // of that file, from the outermost image on
	offset int64  // of its content there
	depth  int
}

// name is the path of a file or problem, from the outermost image on.
func (l level) name(path string) string {
	switch {
	case l.path == "":
		return path
	case path == "." || path == "":
		return l.path
	}
	return l.path + "/" + path
}

// inner is the level of the image in a file.
func (l level) inner(e *romfs.Entry) level {
	return level{l.name(e.Path()), l.offset + e.Offset, l.depth + 1}
}

// A nest is what is known of images in files.
type nest struct {
	described map[string]bool // files that the sidecar says are images
	visited   map[int64]bool  // by their offsets in the outermost image
}

func newNest(s *artifact.Sidecar) *nest {
	n := &nest{described: map[string]bool{}, visited: map[int64]bool{}}
	if s != nil {
		for i := range s.Files {
			n.described[s.Files[i].Path] = s.Files[i].Kind == artifact.KindImage
		}
	}
	return n
}

// holds tells if a file is an image itself: by its first bytes, or as the
// sidecar says.
func (n *nest) holds(im *Image, e *romfs.Entry, at level) (bool, error) {
	head := make([]byte, min(e.Size, int64(len(romfs.Magic))))
	if _, err := io.ReadFull(im.Section(e), head); err != nil {
		return false, err
	}
	return string(head) == romfs.Magic || at.path == "" && n.described[e.Path()], nil
}

// full tells if an image is beyond the limits.
func (n *nest) full(inner level) bool {
	return len(n.visited) == maxNested || inner.depth > maxNestedDepth
}

// open opens the image in a file; the error says that no board would mount it.
func (im *Image) open(e *romfs.Entry) (*Image, error) {
	data := im.Section(e)
	m, err := romfs.Open(data, e.Size)
	if err != nil {
		return nil, err
	}
	return &Image{m, &Source{Name: im.Name, Data: data, Length: e.Size}}, nil
}
