package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/romfs"
)

// A Target is what an image is for: a board and its partition, and with them
// the answers that a manifest leaves to the board. The zero Target is no board
// in particular.
type Target struct {
	Board     *board.Profile   // nil: none
	Partition *board.Partition // where the image goes; nil: nowhere in particular, as for a nested image
}

// A BoardError says that a board or partition cannot be used.
type BoardError struct{ Err error }

func (e *BoardError) Error() string { return e.Err.Error() }
func (e *BoardError) Unwrap() error { return e.Err }

// NewTarget finds a board, by id or the path of its file, and its partition, by
// name or index; "" is none, and the board's first. Size, if not 0, is that of
// the partition in bytes, over the board's profile.
func NewTarget(id, partition string, size int64) (Target, error) {
	if id == "" {
		switch {
		case partition != "":
			return Target{}, &BoardError{fmt.Errorf("partition %q is of no use without a board; add --board ID (romfs boards lists them)", partition)}
		case size != 0:
			return Target{Partition: &board.Partition{Name: "romfs0", Size: size}}, nil
		}
		return Target{}, nil
	}
	p, err := board.Lookup(id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Target{}, &SourceError{Source: "board file " + id, Err: err}
	case err != nil:
		return Target{}, &BoardError{err}
	}
	if size != 0 {
		if p, err = p.WithSize(partition, size); err != nil {
			return Target{}, &BoardError{err}
		}
	}
	part, err := p.Partition(partition)
	if err != nil {
		return Target{}, &BoardError{err}
	}
	return Target{p, part}, nil
}

// ManifestTarget is [NewTarget] for what a manifest names, where id or
// partition are empty.
func ManifestTarget(m *manifest.Manifest, id, partition string, size int64) (Target, error) {
	if id == "" {
		if id = m.Board; IsBoardPath(id) && !filepath.IsAbs(id) {
			id = filepath.Join(m.Dir(), filepath.FromSlash(id))
		}
	}
	if partition == "" {
		partition = string(m.Partition)
	}
	return NewTarget(id, partition, size)
}

// IsBoardPath reports whether a board is named by the path of its file; see
// board.Lookup.
func IsBoardPath(id string) bool {
	return strings.ContainsAny(id, `/\`) || strings.HasSuffix(id, ".yaml") || strings.HasSuffix(id, ".yml")
}

// ResolveOptions are what a manifest's resolution has to know of the target.
func (t Target) ResolveOptions() manifest.ResolveOptions {
	var o manifest.ResolveOptions
	if t.Board == nil {
		return o
	}
	o.Board = t.Board.ID
	if t.Partition != nil {
		o.Partition = t.Partition.Name
		if t.Partition.Base != 0 {
			o.BaseAlign = lowBit(int64(t.Partition.Base))
		}
	}
	for _, r := range t.Board.Align {
		o.BoardAlign = append(o.BoardAlign, manifest.BoardAlign{Match: r.Match, To: r.To, Why: r.Why})
	}
	return o
}

// Spec returns the spec of a plan's image. Its inputs are in the order of
// [manifest.Plan.Files]; what is compiled or nested still lacks its content.
func (t Target) Spec(plan *manifest.Plan) (Spec, error) {
	layout, err := romfs.ParseLayout(plan.Layout)
	if err != nil {
		return Spec{}, err
	}
	spec := Spec{Name: plan.Name, Board: t.Board, Partition: t.Partition, Layout: layout}
	switch {
	case plan.Dedup != nil:
		spec.Dedup = *plan.Dedup
	default:
		spec.Dedup = layout != romfs.OpenMV && (t.Board == nil || t.Board.DedupDefault())
	}
	var whole int64
	if t.Partition != nil {
		whole = t.Partition.Size
	}
	if m := plan.Budget.Max; m != nil {
		spec.Max = m.Of(whole)
		whole = spec.Max
	}
	if w := plan.Budget.Warn; w != nil {
		spec.Warn = w.Of(whole)
	}
	for i := range plan.Entries {
		if e := &plan.Entries[i]; e.Kind == manifest.Dir {
			spec.Dirs = append(spec.Dirs, e.Dest)
		}
	}
	spec.Inputs = make([]Input, 0, len(plan.Entries)-len(spec.Dirs))
	for e := range plan.Files() {
		in := Input{
			Dest: e.Dest, Kind: artifact.KindData, Source: e.Source, Rule: e.Rule, Path: e.Path,
			Align: e.Align, AlignFrom: e.AlignFrom, Bulk: e.Bulk, Why: e.MPYFrom,
		}
		switch {
		case e.Kind == manifest.Image:
			in.Kind = artifact.KindImage
		case e.MPY != nil:
			in.Kind = artifact.KindMPY
		}
		spec.Inputs = append(spec.Inputs, in)
	}
	return spec, nil
}

// MPYOptions are the compiler's for an entry that is compiled, with the board's
// answers where it asks for them.
func (t Target) MPYOptions(e *manifest.Entry) (mpy.Options, error) {
	o := mpy.Options{
		SourceName: e.MPY.SourceName, Optimize: e.MPY.Optimize, Emit: e.MPY.Emit,
		Arch: e.MPY.Arch, ArchFlags: e.MPY.ArchFlags, SmallIntBits: e.MPY.SmallIntBits,
	}
	err := t.complete(&o)
	if err == nil {
		err = o.Validate()
	}
	if err != nil {
		return o, &SourceError{Source: e.Source, Rule: e.Rule, Err: err}
	}
	return o, nil
}

func (t Target) complete(o *mpy.Options) error {
	if o.Arch == "board" {
		if t.Board == nil {
			return errors.New("arch: board needs a board; add board: ID to the manifest, or --board ID")
		}
		o.Arch = t.Board.MPY.Arch
	}
	if o.SmallIntBits == 0 && t.Board != nil {
		o.SmallIntBits = t.Board.MPY.SmallIntBits
	}
	return nil
}
