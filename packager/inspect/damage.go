package inspect

import (
	"fmt"
	"strings"

	"rules_romfs/packager/romfs"
)

// A DamageError says that files of an image, or parts of them, cannot be seen:
// what a reader finds is not all that was written.
type DamageError struct {
	Image    string // its name for people
	Problems []romfs.Problem
}

func (e *DamageError) Error() string {
	first, more := e.Problems[0], ""
	if n := len(e.Problems) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Sprintf("%s: it is damaged, so files are missing: at offset %d: %s [%s]%s; `romfs verify` says more", e.Image, first.Offset, first.Message, first.Code, more)
}

// Damage returns a *DamageError if something hides entries at or below dir
// ("" for all) from readers, else nil.
func (im *Image) Damage(dir string) error {
	if p := im.damage(dir); len(p) > 0 {
		return &DamageError{im.Name, p}
	}
	return nil
}

func (im *Image) damage(dir string) []romfs.Problem {
	var all []romfs.Problem
	for _, p := range romfs.Damage(im.Data, im.Size()) {
		cut := strings.HasPrefix(p.Path, "…") // a long path: it may be anywhere
		if dir == "" || dir == "." || cut || p.Path == dir || strings.HasPrefix(p.Path, dir+"/") {
			all = append(all, p)
		}
	}
	return all
}
