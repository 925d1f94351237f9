package inspect

import (
	"bytes"

	"rules_romfs/packager/board"
)

// BoardAlign returns the largest alignment in bytes that a board's rules ask of
// the files of an image, and of the images in it: 1 if they ask for none. It is
// what the address of the image's first byte needs.
func BoardAlign(image []byte, p *board.Profile) (int64, error) {
	im, err := (&Source{Name: "the image", Data: bytes.NewReader(image), Length: int64(len(image))}).Image()
	if err != nil {
		return 0, err
	}
	return boardAlign(im, p, newNest(nil), level{})
}

func boardAlign(im *Image, p *board.Profile, n *nest, at level) (int64, error) {
	most := int64(1)
	entries, err := im.entries(".")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if e.Dir || e.Size == 0 {
			continue
		}
		if rule := p.AlignRule(e.Path()); rule != nil {
			most = max(most, rule.To)
		}
		inner := at.inner(e)
		found, err := n.holds(im, e, at)
		if err != nil {
			return 0, err
		}
		if !found || n.visited[inner.offset] || n.full(inner) {
			continue
		}
		n.visited[inner.offset] = true
		nested, err := im.open(e)
		if err != nil {
			continue // it is no image after all
		}
		own, err := boardAlign(nested, p, n, inner)
		if err != nil {
			return 0, err
		}
		most = max(most, own)
	}
	return most, nil
}
