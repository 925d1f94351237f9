package main

import (
	"io"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/romfs"
)

// within is where an image lies: in a file of another one. The zero within is
// the image at hand itself.
type within struct {
	path   string // of that file, from the outermost image on
	offset int64  // of its content there
	depth  int
}

// name is the path of a file or problem, from the outermost image on.
func (w within) name(path string) string {
	switch {
	case w.path == "":
		return path
	case path == "." || path == "":
		return w.path
	}
	return w.path + "/" + path
}

// Limits of what verify goes into: more is no image that somebody made. The
// same bytes can be a file many times.
const (
	maxNested      = 1000
	maxNestedDepth = 8
)

// nestedImages is what verify knows of the images in files.
type nestedImages struct {
	known   map[string]bool // files that the sidecar says are images
	checked map[int64]bool  // by their offsets in the outermost image
}

func (n *nestedImages) described(s *artifact.Sidecar) {
	n.known = map[string]bool{}
	for i := range s.Files {
		n.known[s.Files[i].Path] = s.Files[i].Kind == artifact.KindImage
	}
}

// checkNested checks a file that is an image itself: by its first bytes, or as
// the sidecar says.
func (v *verifier) checkNested(in *input, e *romfs.Entry, at within) error {
	inner := within{at.name(e.Path()), at.offset + e.Offset, at.depth + 1}
	head := make([]byte, min(e.Size, int64(len(romfs.Magic))))
	if _, err := io.ReadFull(in.Section(e), head); err != nil {
		return err
	}
	if string(head) != romfs.Magic && !(at.path == "" && v.nested.known[inner.path]) || v.nested.checked[inner.offset] {
		return nil
	}
	if len(v.nested.checked) == maxNested || inner.depth > maxNestedDepth {
		v.add(exitImage, romfs.Warning, "nested", inner.path, inner.offset, "is one of more than %d nested images, or more than %d levels deep, and is not checked", maxNested, maxNestedDepth)
		return nil
	}
	if v.nested.checked == nil {
		v.nested.checked = map[int64]bool{}
	}
	v.nested.checked[inner.offset] = true
	data := in.Section(e)
	for _, p := range romfs.Validate(data, e.Size) {
		if p.Code != romfs.CodeLongHeader { // nobody queries it
			v.add(exitImage, p.Severity, p.Code, inner.name(p.Path), inner.offset+p.Offset, "in the nested image: %s", p.Message)
		}
	}
	image, err := romfs.Open(data, e.Size)
	if err != nil {
		return nil // Validate has said so
	}
	return v.checkFiles(&input{Image: image, name: v.name, data: data, length: e.Size}, inner)
}
