package source

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"
)

// A Tree reads a Source lazily, each directory once.
type Tree struct {
	Source Source
	dirs   map[string]*TreeDir
}

type TreeDir struct {
	Infos  []Info // sorted bytewise
	byName map[string]Kind
	Err    error
}

func NewTree(src Source) *Tree { return &Tree{Source: src, dirs: map[string]*TreeDir{}} }

func (t *Tree) Dir(name string) *TreeDir {
	if d := t.dirs[name]; d != nil {
		return d
	}
	d := &TreeDir{}
	t.dirs[name] = d
	infos, err := t.Source.ReadDir(name)
	if err != nil {
		d.Err = err
		return d
	}
	d.Infos = slices.Clone(infos)
	slices.SortFunc(d.Infos, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return d
}

// Kinds returns the directory by name.
func (d *TreeDir) Kinds() map[string]Kind {
	if d.byName == nil {
		d.byName = make(map[string]Kind, len(d.Infos))
		for _, in := range d.Infos {
			d.byName[in.Name] = in.Kind
		}
	}
	return d.byName
}

// Lookup finds one name exactly as it is spelled, also on file systems that
// do not care about case. It follows symbolic links, of directories too.
func (t *Tree) Lookup(name string) (Kind, error) {
	elems := strings.Split(name, "/")
	for i := range elems {
		dir, elem := strings.Join(elems[:i], "/"), elems[i]
		d := t.Dir(dir)
		if d.Err != nil {
			return 0, d.Err
		}
		kind, ok := d.Kinds()[elem]
		if !ok {
			return 0, &fs.PathError{Op: "open", Path: strings.Join(elems[:i+1], "/"), Err: fs.ErrNotExist}
		}
		if kind == Link {
			var err error
			if kind, err = t.Source.Follow(strings.Join(elems[:i+1], "/")); err != nil {
				return 0, err
			}
		}
		if i == len(elems)-1 {
			return kind, nil
		}
		if kind != Dir {
			return 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
	}
	return Dir, nil
}
