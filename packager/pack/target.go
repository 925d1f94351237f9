package pack

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"rules_romfs/internal/pow2"
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

	// ProfileSize is the partition's size in the board's profile, where
	// another was given; else 0.
	ProfileSize int64

	// Arch, if not empty, is the architecture of machine code over what the
	// manifest says: a name that mpy-cross has, or ArchBoard.
	Arch string
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
	part, err := p.Partition(partition)
	if err != nil {
		return Target{}, &BoardError{err}
	}
	if size == 0 || size == part.Size {
		return Target{Board: p, Partition: part}, nil
	}
	t := Target{ProfileSize: part.Size}
	if t.Board, err = p.WithSize(partition, size); err == nil {
		t.Partition, err = t.Board.Partition(partition)
	}
	if err != nil {
		return Target{}, &BoardError{err}
	}
	return t, nil
}

// ManifestTarget is [NewTarget] for what a manifest names, where id or
// partition are empty.
func ManifestTarget(m *manifest.Manifest, id, partition string, size int64) (Target, error) {
	atBoard, atPartition := "", ""
	if id == "" {
		id, atBoard = boardOf(m), "board"
	}
	if partition == "" {
		partition, atPartition = string(m.Partition), "partition"
	}
	t, err := NewTarget(id, partition, size)
	return t, blame(m, atBoard, atPartition, err)
}

// blame says where in the manifest the board or partition is named that err is
// about; "" is for one that is not named there.
func blame(m *manifest.Manifest, atBoard, atPartition string, err error) error {
	var unknown *board.UnknownError
	var noROM *board.NoROMError
	var noPartition *board.NoPartitionError
	var missing *SourceError
	switch {
	case atBoard != "" && (errors.As(err, &unknown) || errors.As(err, &noROM)):
		return &BoardError{placed(m, atBoard, errors.Unwrap(err))}
	case atBoard != "" && errors.As(err, &missing):
		return placed(m, atBoard, err)
	case atPartition != "" && errors.As(err, &noPartition):
		return &BoardError{placed(m, atPartition, errors.Unwrap(err))}
	}
	return err
}

// boardOf returns the board that a manifest names: an id, or the path of its
// file.
func boardOf(m *manifest.Manifest) string {
	if board.IsPath(m.Board) && !filepath.IsAbs(m.Board) {
		return filepath.Join(m.Dir(), filepath.FromSlash(m.Board))
	}
	return m.Board
}

// ImageTargets returns the images of a manifest that partition chooses, by
// name or index, and what each is for; "" chooses all. Of a manifest without
// the key images it returns the manifest itself, and partition is over its own.
func ImageTargets(m *manifest.Manifest, id, partition string, size int64) ([]*manifest.Manifest, []Target, error) {
	images := m.Images()
	if images[0] == m {
		t, err := ManifestTarget(m, id, partition, size)
		return images, []Target{t}, err
	}
	if id == "" && m.Board == "" {
		return nil, nil, &BoardError{placed(m, "images", errors.New("the images are for partitions, and no board is named; add board: ID, or --board ID (romfs boards lists them)"))}
	}
	at := ""
	if id == "" {
		id, at = boardOf(m), "board"
	}
	if _, err := NewTarget(id, "", 0); err != nil {
		return nil, nil, blame(m, at, "", err) // about the board, not about one image
	}
	targets := make([]Target, len(images))
	byIndex := map[int]int{}
	var errs []error
	for i, im := range images {
		at := fmt.Sprintf("images[%d].partition", i)
		var err error
		if targets[i], err = NewTarget(id, string(im.Partition), 0); err != nil {
			errs = append(errs, &BoardError{placed(m, at, err)})
			continue
		}
		part := targets[i].Partition
		if first, ok := byIndex[part.Index]; ok {
			errs = append(errs, &BoardError{placed(m, at, fmt.Errorf("it is partition %s of %s, and so is that of images[%d]; write one image for a partition", part.Name, targets[i].Board.ID, first))})
			continue
		}
		byIndex[part.Index] = i
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	if partition != "" {
		i, err := choose(m, targets, byIndex, partition)
		if err != nil {
			return nil, nil, err
		}
		images, targets = images[i:i+1], targets[i:i+1]
	}
	if size != 0 {
		if len(images) > 1 {
			return nil, nil, &ChoiceError{m.Path(), names(targets), "a partition size is that of one"}
		}
		var err error
		if targets[0], err = NewTarget(id, string(images[0].Partition), size); err != nil {
			return nil, nil, err
		}
	}
	return images, targets, nil
}

// choose returns the index of the image for a partition.
func choose(m *manifest.Manifest, targets []Target, byIndex map[int]int, partition string) (int, error) {
	part, err := targets[0].Board.Partition(partition)
	if err != nil {
		return 0, &BoardError{err}
	}
	i, ok := byIndex[part.Index]
	if !ok {
		return 0, &BoardError{fmt.Errorf("%s makes no image for partition %s; it makes them for %s", m.Path(), part.Name, strings.Join(names(targets), ", "))}
	}
	return i, nil
}

func names(targets []Target) []string {
	var all []string
	for _, t := range targets {
		all = append(all, t.Partition.Name)
	}
	return all
}

// placed says where in the manifest the value stands that an error is about.
func placed(m *manifest.Manifest, at string, err error) error {
	p := m.Pos(at)
	return fmt.Errorf("%s:%d:%d: %s: %w", m.Path(), p.Line, p.Column, at, err)
}

// ResolveOptions are what a manifest's resolution has to know of the target.
func (t Target) ResolveOptions() manifest.ResolveOptions {
	var o manifest.ResolveOptions
	if t.Board == nil {
		return o
	}
	o.Board, o.OpenMV = t.Board.ID, t.Board.OpenMV
	if t.Partition != nil {
		o.Partition = t.Partition.Name
		if t.Partition.Base != 0 {
			o.BaseAlign = pow2.Of(int64(t.Partition.Base))
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
	spec := Spec{Name: plan.Name, Board: t.Board, Partition: t.Partition, ProfileSize: t.ProfileSize, Layout: layout}
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
	spec.Manifest, spec.Release, spec.Stamp = plan.Manifest, plan.Release, plan.Stamp
	spec.Inputs = make([]Input, 0, len(plan.Entries)-len(spec.Dirs))
	for e := range plan.Files() {
		in := Input{
			Dest: e.Dest, Kind: artifact.KindData, Source: e.Source, Rule: e.Rule, Path: e.Path, Root: e.Root,
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

// ArchBoard is the architecture that the board's profile names, in manifests and
// [Target.Arch].
const ArchBoard = "board"

// ParseArch checks a name for [Target.Arch].
func ParseArch(name string) (string, error) {
	if name == ArchBoard {
		return name, nil
	}
	arch, err := mpy.ParseArch(name)
	return arch.String(), err
}

// ArchRemedy says how to name the architecture of machine code for the target.
func (t Target) ArchRemedy() string {
	switch b := t.Board; {
	case b == nil:
		return "name the board and write mpy: {arch: board}, or name the architecture (`romfs boards ID` says which a board has); --arch does the same"
	case b.MPY.Arch == "":
		return fmt.Sprintf("write one of %s as mpy.arch, or give --arch: %s stands for boards with each of them", list(b.MPY.Archs), b.ID)
	case b.MPY.Arch == mpy.ArchNone.String():
		return fmt.Sprintf("%s runs no machine code from .mpy files: leave the file out, or pack it as source (mpy: false)", b.ID)
	default:
		return fmt.Sprintf("write mpy: {arch: board} in the manifest, or give --arch board (%s has %s)", b.ID, b.MPY.Arch)
	}
}

// list names alternatives.
func list(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return strings.Join(names, "")
}

func (t Target) complete(o *mpy.Options) error {
	o.Arch = cmp.Or(t.Arch, o.Arch)
	if o.Arch == ArchBoard {
		if t.Board == nil {
			return errors.New("arch: board needs a board; add board: ID to the manifest, or --board ID")
		}
		if t.Board.MPY.Arch == "" {
			return fmt.Errorf("arch: board cannot be told for %s, which stands for boards with %s; write one of these as mpy.arch, or give --arch", t.Board.ID, list(t.Board.MPY.Archs))
		}
		o.Arch = t.Board.MPY.Arch
	}
	if o.SmallIntBits == 0 && t.Board != nil {
		o.SmallIntBits = t.Board.MPY.SmallIntBits
	}
	return nil
}
