package inspect

import (
	"fmt"

	"rules_romfs/internal/pow2"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// An Alignment is an image that is rewritten so that its files are aligned as a
// board needs. [Align] decides everything; [Alignment.Save] or
// [Alignment.Stream] writes it.
type Alignment struct {
	Image   string          `json:"image"`
	Out     string          `json:"out"` // the file that was written
	Board   string          `json:"board"`
	Layout  string          `json:"layout"`
	Changed bool            `json:"changed"` // false: every file was right already
	Size    int64           `json:"size"`
	Before  int64           `json:"size_before"`
	SHA256  artifact.Digest `json:"sha256"`            // of what was written
	Sidecar string          `json:"sidecar,omitempty"` // the file that was written beside it
	Moved   []MovedFile     `json:"moved"`             // every file whose bytes lie elsewhere now

	Warnings []string `json:"-"`

	im      *Image
	place   Place
	sidecar *artifact.Sidecar // nil without one
	asked   map[string]int64  // alignment in bytes that the sidecar says was asked for
	plan    *romfs.Plan       // nil: the image is right as it is
}

// A MovedFile is a file whose bytes lie elsewhere now.
type MovedFile struct {
	Path        string `json:"path"`
	From        int64  `json:"from"` // offsets in the image
	To          int64  `json:"to"`
	AlignBefore int64  `json:"align_before"`
	Align       int64  `json:"align"`
	Needs       int64  `json:"needs,omitempty"` // what the board's rule asks for
	Rule        string `json:"rule,omitempty"`
	Wrong       bool   `json:"-"` // it lay less aligned than it has to
}

// Align decides where every file of an image goes for a board, and writes
// nothing. Names, order, contents and the layout's family stay.
func Align(im *Image, t Target) (*Alignment, error) {
	for _, p := range romfs.Validate(im.Data, im.Length) {
		if p.Severity == romfs.Error {
			return nil, im.imageErrorf("it is damaged: %v; `romfs verify` says more, and nothing was written", p)
		}
	}
	al := &Alignment{Image: im.Name, im: im, Moved: []MovedFile{}}
	if err := al.find(t); err != nil {
		return nil, err
	}
	entries, err := im.entries(".")
	if err != nil {
		return nil, err
	}
	if err := al.described(entries); err != nil {
		return nil, err
	}
	layout, err := im.Layout()
	if err != nil {
		return nil, err
	}
	al.Board, al.Layout, al.Size, al.Before = al.place.Board.ID, layout.String(), im.Size(), im.Size()
	if al.right(entries) {
		return al, nil
	}
	if al.plan, err = im.Rewrite(al.options(layout)); err != nil {
		return nil, im.imageErrorf("%w", err)
	}
	al.Changed, al.Size = true, al.plan.Size
	al.compare(entries)
	return al, al.fits()
}

// find finds the board, and the sidecar.
func (al *Alignment) find(t Target) error {
	var err error
	if al.sidecar, err = al.im.Sidecar(); err != nil {
		return err
	}
	if al.place, err = t.place(al.sidecar); err != nil {
		return err
	}
	if al.place.Board == nil {
		return &ChoiceError{"say for which board: --board ID (romfs boards lists them)"}
	}
	return nil
}

// described holds the sidecar against the image, and notes what it says was
// asked for.
func (al *Alignment) described(entries []*romfs.Entry) error {
	im := al.im
	id, err := im.Identity()
	if err != nil {
		return err
	}
	al.SHA256 = id.SHA256
	al.asked = map[string]int64{}
	s := al.sidecar
	if s == nil {
		return nil
	}
	if s.Image != id {
		return &artifact.MismatchError{Image: im.Path, Sidecar: artifact.Path(im.Path), Got: id, Want: s.Image}
	}
	files := 0
	for _, e := range entries {
		if !e.Dir {
			files++
		}
	}
	if len(s.Files) != files {
		return &artifact.FormatError{File: artifact.Path(im.Path), Err: fmt.Errorf("it lists %d files, and the image has %d", len(s.Files), files)}
	}
	for i := range s.Files {
		al.asked[s.Files[i].Path] = s.Files[i].Align
	}
	return nil
}

// wanted is the alignment that a file has to have: by the board's rules and the
// sidecar.
func (al *Alignment) wanted(e *romfs.Entry) int64 {
	path := e.Path()
	want := max(al.asked[path], 1)
	if rule := al.place.Board.AlignRule(path); rule != nil {
		want = max(want, rule.To)
	}
	return want
}

// right tells if every file is aligned already.
func (al *Alignment) right(entries []*romfs.Entry) bool {
	for _, e := range entries {
		if !e.Dir && e.Size > 0 && e.Offset%al.wanted(e) != 0 {
			return false
		}
	}
	return true
}

func (al *Alignment) options(layout romfs.Layout) romfs.RewriteOptions {
	profile, part := al.place.Board, al.place.Partition
	o := romfs.RewriteOptions{Layout: layout, Align: al.wanted, NoPointers: profile.OpenMV, DirAlign: profile.MaxAlign(), MaxSize: part.Size, EraseUnit: part.Erase}
	o.WriteUnit = part.TornUnit()
	return o
}

// compare notes what moves: the plan's files are in the order of entries.
func (al *Alignment) compare(entries []*romfs.Entry) {
	files := al.plan.Files
	for _, e := range entries {
		if e.Dir {
			continue
		}
		now := &files[0]
		files = files[1:]
		if now.Offset == e.Offset || e.Size == 0 {
			continue
		}
		m := MovedFile{Path: e.Path(), From: e.Offset, To: now.Offset, AlignBefore: pow2.Of(e.Offset), Align: pow2.Of(now.Offset), Wrong: e.Offset%al.wanted(e) != 0}
		if rule := al.place.Board.AlignRule(m.Path); rule != nil {
			m.Needs, m.Rule = rule.To, rule.Match
		}
		al.Moved = append(al.Moved, m)
	}
}

// fits holds the new image against its partition.
func (al *Alignment) fits() error {
	profile, part, size := al.place.Board, al.place.Partition, al.plan.Size
	if part.Size > 0 && size > part.Size {
		largest := &al.plan.Files[0]
		for i := range al.plan.Files {
			if f := &al.plan.Files[i]; f.Size > largest.Size {
				largest = f
			}
		}
		return &pack.FitError{Size: size, Limit: part.Size, Of: fmt.Sprintf("partition %s of %s", part.Name, profile.ID),
			Largest: []string{fmt.Sprintf("%s (%s)", largest.Path, report.Size(largest.Size))}}
	}
	if over := pack.InTail(part, size); over > 0 {
		al.Warnings = append(al.Warnings, fmt.Sprintf("the image reaches %d bytes into the last %d of partition %s, which %s cannot read safely [%s]", over, part.Tail, part.Name, profile.ID, pack.WarnEnd))
	}
	if extra := al.im.Length - al.im.Size(); extra > 0 {
		al.Warnings = append(al.Warnings, fmt.Sprintf("%s: the %d bytes behind the image are left out", al.im.Name, extra))
	}
	return nil
}
