package inspect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"

	"rules_romfs/packager/romfs"
)

// DiffOptions say for which board two images are compared.
type DiffOptions struct {
	Target
	Erase int64 // bytes of a flash block, over the board's; 0: the board's
	Map   bool  // name the blocks that differ

	// Transfers works out what goes over the link, for each kind of firmware that
	// the board may have.
	Transfers bool
}

// A Difference is how image B, to be deployed, differs from image A, on a board.
type Difference struct {
	Same   bool         `json:"same"`  // byte for byte
	Files  []FileChange `json:"files"` // sorted by path
	Blocks BlockCost    `json:"blocks"`

	// Damage says of an image that damage hides files of it, which then count as
	// not there.
	Damage []string `json:"damage,omitempty"`
}

// A Change is what became of a path.
type Change string

const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed" // its content, or from file to directory
	Moved   Change = "moved"   // the same content elsewhere
)

// A FileChange is one path that differs.
type FileChange struct {
	Path   string  `json:"path"`
	Change Change  `json:"change"`
	Dir    bool    `json:"dir,omitempty"`
	Old    *Extent `json:"old,omitempty"` // nil: added
	New    *Extent `json:"new,omitempty"` // nil: removed
}

// An Extent is where the content of a file lies.
type Extent struct {
	Offset int64 `json:"offset"`
	Size   int64 `json:"size"`
}

// Diff compares two images, file by file and by flash block.
func Diff(ctx context.Context, a, b *Image, o DiffOptions) (*Difference, error) {
	blocks, err := compareBlocks(ctx, a, b, &o)
	if err != nil {
		return nil, err
	}
	d := &Difference{Files: []FileChange{}, Blocks: blocks}
	d.Same = d.Blocks.Changed == 0 && a.Size() == b.Size()
	for _, im := range []*Image{a, b} {
		if damage := im.Damage(""); damage != nil {
			d.Damage = append(d.Damage, damage.Error())
		}
	}
	if d.Same {
		return d, nil
	}
	before, err := a.contents(ctx)
	if err != nil {
		return nil, err
	}
	after, err := b.contents(ctx)
	if err != nil {
		return nil, err
	}
	for path, is := range after {
		was, ok := before[path]
		if !ok {
			d.Files = append(d.Files, FileChange{path, Added, is.dir, nil, &is.Extent})
		} else if change := was.changed(is); change != "" {
			d.Files = append(d.Files, FileChange{path, change, is.dir, &was.Extent, &is.Extent})
		}
	}
	for path, was := range before {
		if _, ok := after[path]; !ok {
			d.Files = append(d.Files, FileChange{path, Removed, was.dir, &was.Extent, nil})
		}
	}
	slices.SortFunc(d.Files, func(a, b FileChange) int { return cmp.Compare(a.Path, b.Path) })
	return d, nil
}

// A content is what a path holds.
type content struct {
	Extent
	dir bool
	sum [sha256.Size]byte
}

// changed tells what became of a path; "" for nothing. Directories have no place
// of their own.
func (was content) changed(is content) Change {
	switch {
	case was.dir != is.dir || was.sum != is.sum || was.Size != is.Size && !is.dir:
		return Changed
	case !is.dir && was.Offset != is.Offset:
		return Moved
	}
	return ""
}

// contents maps every path to what it holds; of two equal ones the first, as
// the board does.
func (im *Image) contents(ctx context.Context) (map[string]content, error) {
	entries, err := im.entries(".")
	if err != nil {
		return nil, err
	}
	all := make(map[string]content, len(entries))
	for _, e := range entries {
		path := e.Path()
		if _, ok := all[path]; ok {
			continue
		}
		c, err := im.content(ctx, e)
		if err != nil {
			return nil, err
		}
		all[path] = c
	}
	return all, nil
}

func (im *Image) content(ctx context.Context, e *romfs.Entry) (content, error) {
	c := content{Extent: Extent{e.Offset, e.Size}, dir: e.Dir}
	if e.Dir {
		return c, nil
	}
	h := sha256.New()
	err := im.copyEntry(ctx, h, e)
	h.Sum(c.sum[:0])
	return c, err
}
