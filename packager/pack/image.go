package pack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"

	"rules_romfs/internal/pow2"
	"rules_romfs/internal/slashpath"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// An Image is a laid-out image: everything about it is decided. Writing it reads
// its large sources.
type Image struct {
	Spec     Spec
	Plan     *romfs.Plan
	Warnings []Warning

	abis     []artifact.ABI
	maxAlign int64             // of any file, in bytes
	sidecar  *artifact.Sidecar // once the image has been written
	inputs   map[string]*Input
}

// A Warning is something that is probably wrong. Code names it for the
// switches that silence it.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// The codes of this package's warnings.
const (
	WarnBoundary  = "boundary-dropped" // layout stable without its boundary
	WarnBudget    = "budget"           // above budget.warn
	WarnPartition = "partition-size"   // the partition's size is not known
	WarnMPY       = "not-mpy"          // a .mpy file without a .mpy header
	WarnABI       = "mixed-abi"        // .mpy files that no single firmware loads
	WarnCache     = "cache"            // the compile cache does not work

	WarnTransform   = "transform-skipped"      // a source packed as it is, for want of a tool
	WarnSize        = "size-differs"           // another size of the partition than the board's
	WarnBudgetAbove = "budget-above-partition" // budget.max limits nothing
	WarnEnd         = "partition-end"          // bytes that the board cannot read safely
	WarnEmpty       = "openmv-empty"           // files that OpenMV IDE drops
)

// Assemble reads the spec's contents, checks them against the board, and lays
// the image out. Jobs is the number of files read at once.
func Assemble(ctx context.Context, spec Spec, jobs int, reporter report.Reporter) (*Image, error) {
	im := &Image{Spec: spec, inputs: map[string]*Input{}}
	dedup := spec.Dedup && spec.Layout == romfs.Compact
	contents, err := digest(ctx, spec.Inputs, dedup, jobs, reporter)
	if err != nil {
		return nil, err
	}
	if spec.Stamp {
		if contents, err = im.stamp(ctx, contents); err != nil {
			return nil, err
		}
	}
	if im.abis, err = im.checkABI(contents); err != nil {
		return nil, err
	}
	im.checkEmpty(contents)
	im.checkContents(contents)
	root := &romfs.Node{Dir: true}
	dirs := map[string]*romfs.Node{"": root}
	for _, d := range spec.Dirs {
		mkdir(dirs, d)
	}
	var errs []error
	for i := range im.Spec.Inputs {
		in := &im.Spec.Inputs[i]
		align, err := im.align(in)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		node := &romfs.Node{
			Name: path.Base(in.Dest), Size: contents[i].size, Align: align,
			Bulk: im.bulk(in, contents[i].size), Open: in.open,
		}
		switch {
		case !in.known:
			node.Open = in.measure
		case dedup || in.Code == nil: // what is in memory, nothing changes
			node.Sum = in.sum // with it the writing hashes the content again
		}
		dir := mkdir(dirs, slashpath.Parent(in.Dest))
		dir.Children = append(dir.Children, node)
		im.inputs[in.Dest] = in
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	im.Plan, err = romfs.NewPlan(root, im.options())
	if err != nil {
		return nil, err
	}
	if im.Plan.BoundaryDropped {
		im.warn(WarnBoundary, "layout stable: with its bulk files on an erase unit of their own the image would have %d bytes and not fit, so they follow the other files directly: a deploy sends them again whenever those grow", im.Plan.BoundarySize)
	}
	if err := im.checkSize(); err != nil {
		return nil, err
	}
	im.maxAlign = 1
	for i := range im.Plan.Files {
		im.maxAlign = max(im.maxAlign, im.Plan.Files[i].Align)
	}
	return im, nil
}

func (im *Image) warn(code, format string, args ...any) {
	im.Warnings = append(im.Warnings, Warning{code, fmt.Sprintf(format, args...)})
}

// options are the layout's.
func (im *Image) options() romfs.Options {
	o := romfs.Options{Layout: im.Spec.Layout, Dedup: im.Spec.Dedup, MaxSize: im.Spec.Max}
	if p := im.Spec.Partition; p != nil {
		o.EraseUnit = p.Erase
		o.WriteUnit = p.TornUnit()
		if p.Size > 0 && (o.MaxSize == 0 || p.Size < o.MaxSize) {
			o.MaxSize = p.Size
		}
	}
	if im.Spec.Board != nil {
		o.DirAlign = im.Spec.Board.MaxAlign()
	}
	return o
}

// eraseUnit is the flash block that layout stable and bulk data go by.
func (im *Image) eraseUnit() int64 {
	if p := im.Spec.Partition; p != nil && p.Erase > 1 {
		return p.Erase
	}
	return 4096
}

func (im *Image) bulk(in *Input, size int64) bool {
	if in.Bulk != nil {
		return *in.Bulk
	}
	return !in.isCode() && size >= im.eraseUnit()
}

// mkdir returns the directory, made with its parents where it is new.
func mkdir(dirs map[string]*romfs.Node, dir string) *romfs.Node {
	if n := dirs[dir]; n != nil {
		return n
	}
	n := &romfs.Node{Name: path.Base(dir), Dir: true}
	up := mkdir(dirs, slashpath.Parent(dir))
	up.Children = append(up.Children, n)
	dirs[dir] = n
	return n
}

// Input returns the input of a destination, or nil.
func (im *Image) Input(dest string) *Input { return im.inputs[dest] }

// describe makes the sidecar of the image that has been written.
func (im *Image) describe(id artifact.Image) *artifact.Sidecar {
	plan := im.Plan
	s := &artifact.Sidecar{
		Schema: artifact.Schema, Name: im.Spec.Name, Release: im.Spec.Release, Image: id,
		Layout: im.Spec.Layout.String(), Dedup: im.Spec.Dedup,
		Align: im.maxAlign, Files: make([]artifact.File, 0, len(plan.Files)),
		Totals: artifact.Totals{Files: len(plan.Files), Dirs: len(plan.Dirs), Padding: plan.Padding, Shared: plan.Shared},
	}
	if b := im.Spec.Board; b != nil {
		s.Board = b.ID
	}
	if p := im.Spec.Partition; p != nil {
		s.Partition = &artifact.Partition{Name: p.Name, Index: p.Index, Base: p.Base, Size: p.Size, Erase: p.Erase}
		if p.Size > 0 {
			free := p.Size - plan.Size
			s.Totals.Free = &free
		}
	}
	if len(im.abis) > 0 {
		s.MPY = &artifact.MPY{Compiler: im.Spec.Compiler, ABI: im.abis}
	}
	for i := range plan.Files {
		f := &plan.Files[i]
		in := im.inputs[f.Path]
		source := in.SourceSHA256
		if source == nil && in.Kind == artifact.KindData {
			source = (*artifact.Digest)(&in.sum)
		}
		if f.SharedWith != "" {
			s.Totals.Duplicates++
		}
		s.Files = append(s.Files, artifact.File{
			Path: f.Path, Offset: f.Offset, Size: f.Size, Stored: f.Stored, SharedWith: f.SharedWith,
			Align: max(f.Align, 1), AlignGiven: pow2.Of(f.Offset), SHA256: artifact.Digest(in.sum),
			Source: in.Source, SourceSHA256: source, Rule: in.Rule, Kind: in.Kind, Transform: in.Transform,
		})
	}
	return s
}

// WriteTo writes the image. It fails if a source is no longer what Assemble
// saw; what was written then is useless. While it reads sources, w gets what
// there is so far, from another goroutine.
func (im *Image) WriteTo(w io.Writer) (int64, error) {
	h := sha256.New()
	pipeline := newPipelined(io.MultiWriter(h, w))
	n, err := im.Plan.WriteTo(pipeline)
	if cerr := pipeline.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return n, im.writeError(err)
	}
	if im.sidecar == nil {
		if err := im.unchanged(); err != nil {
			return n, err
		}
		im.sidecar = im.describe(artifact.Image{SHA256: artifact.Digest(h.Sum(nil)), Size: n})
	}
	return n, nil
}

// unchanged looks once more at the sources that were being written to when they
// were read, or shortly before.
func (im *Image) unchanged() error {
	var errs []error
	for i := range im.Spec.Inputs {
		switch in := &im.Spec.Inputs[i]; {
		case in.Nested != nil:
			errs = append(errs, in.Nested.unchanged())
		case in.fresh != nil:
			errs = append(errs, in.fresh.unchanged())
		}
	}
	return errors.Join(errs...)
}

// writeError names the source where romfs names the destination.
func (im *Image) writeError(err error) error {
	var source *SourceError
	var changed *romfs.ContentChangedError
	if errors.As(err, &source) {
		return source
	}
	if errors.As(err, &changed) {
		if in := im.inputs[changed.Path]; in != nil {
			return in.fail(fmt.Errorf("it changed while it was read (%s); build again when nothing writes to it", changed.Reason))
		}
	}
	return err
}

// Sidecar returns the image's sidecar. If the image has not been written yet,
// its sources are read to know its digest. It is the image's own, with a list of
// all files, and not to be changed.
func (im *Image) Sidecar() (*artifact.Sidecar, error) {
	if im.sidecar == nil {
		if _, err := im.WriteTo(io.Discard); err != nil {
			return nil, err
		}
	}
	return im.sidecar, nil
}

// reader streams the image, for one that holds it.
func (im *Image) reader() io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		_, err := im.Plan.WriteTo(w)
		if err != nil {
			err = im.writeError(err)
		}
		w.CloseWithError(err)
	}()
	return r
}
