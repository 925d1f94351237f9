package pack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/report"
)

// A Project is what a build starts from, read and checked: a directory or a
// manifest, and which images are to be made of it.
type Project struct {
	// Options of the build. Outputs may still be set: by then the names of the
	// images are known.
	Options
	parts []part
	all   bool // no image of the manifest was left out

	copies bool             // content-hashed ones are expected
	plans  []*manifest.Plan // of the images that Build made, to check those

	compilers int // that run at once
}

// A part is one image to be made.
type part struct {
	manifest *manifest.Manifest // nil: of a directory
	target   Target
	file     string
}

// name is the artifact's.
func (p *part) name() string {
	if p.manifest == nil {
		return strings.TrimSuffix(p.file, ".romfs")
	}
	return p.manifest.Name
}

// Open reads the directory or manifest that o.Path names. Of a manifest with
// several images it takes all, or the one that o.Partition chooses.
func Open(ctx context.Context, o Options) (*Project, error) {
	info, err := os.Stat(o.Path)
	if err != nil {
		return nil, &SourceError{Source: o.Path, Err: err}
	}
	compilers := o.Jobs
	if o.Jobs <= 0 {
		// One compiler more than there are processors: while one begins or ends,
		// or its result goes into the cache, no processor waits.
		o.Jobs = runtime.GOMAXPROCS(0)
		compilers = o.Jobs + 1
	}
	p := &Project{Options: o, all: true, compilers: compilers}
	if info.IsDir() {
		name, err := directoryName(o.Path)
		if err != nil {
			return nil, err
		}
		target, err := NewTarget(o.Board, o.Partition, o.PartitionSize)
		if err != nil {
			return nil, err
		}
		target.Arch = o.Arch
		p.parts = []part{{nil, target, name + ".romfs"}}
		return p, nil
	}
	m, err := manifest.Load(o.Path)
	if err != nil {
		if m != nil && o.Board == "" && m.Board != "" {
			_, boardErr := NewTarget(boardOf(m), "", 0)
			err = errors.Join(err, blame(m, "board", "", boardErr))
		}
		return nil, err
	}
	images, targets, err := ImageTargets(m, o.Board, o.Partition, o.PartitionSize)
	if err != nil {
		// Without the board, all that can be wrong with the sources still is.
		errs := make([]error, len(m.Images()))
		for i, im := range m.Images() {
			_, _, errs[i] = manifest.Resolve(ctx, im, nil, manifest.ResolveOptions{Compile: o.Compile})
		}
		return nil, errors.Join(manifest.JoinErrors(errs), err)
	}
	for i, im := range images {
		targets[i].Arch = o.Arch
		p.parts = append(p.parts, part{im, targets[i], im.Output})
	}
	p.all = len(images) == len(m.Images())
	return p, nil
}

// Files returns the file name of each image, as the manifest has it.
func (p *Project) Files() []string {
	var names []string
	for i := range p.parts {
		names = append(names, p.parts[i].file)
	}
	return names
}

// Expect says before Build where the images will be written, by image, so that
// it refuses to pack or to overwrite those files. The digest in the name of a
// content-hashed copy is not known by now: zeros stand for it in patterns that
// match the name, and Save looks once more.
func (p *Project) Expect(targets []Targets) {
	for i, t := range targets {
		p.Outputs = append(p.Outputs, t.Image, artifact.Path(t.Image))
		if t.HashedDir != "" {
			p.copies = true
			copied := filepath.Join(t.HashedDir, HashedName(p.parts[i].name(), artifact.Image{}))
			p.Outputs = append(p.Outputs, copied, artifact.Path(copied))
		}
	}
}

// checkCopy refuses a content-hashed copy that would overwrite a source of any
// of the images, as Build does for outputs whose names it knows.
func (p *Project) checkCopy(path string) error {
	for _, plan := range p.plans {
		if err := checkOutputs([]string{path, artifact.Path(path)}, p.Path, plan); err != nil {
			return err
		}
	}
	return nil
}

// One returns nil if one image is to be made, and else a *ChoiceError with the
// reason why that would be wanted: "-o names one file".
func (p *Project) One(why string) error {
	if len(p.parts) == 1 {
		return nil
	}
	e := &ChoiceError{Path: p.Path, Why: why}
	for i := range p.parts {
		e.Partitions = append(e.Partitions, p.parts[i].target.Partition.Name)
	}
	return e
}

// A ChoiceError says that a manifest makes several images where one is wanted.
type ChoiceError struct {
	Path       string
	Partitions []string // that the images are for
	Why        string
}

func (e *ChoiceError) Error() string {
	return fmt.Sprintf("%s makes %d images (for %s), and %s; choose one with -p", e.Path, len(e.Partitions), strings.Join(e.Partitions, ", "), e.Why)
}

// Build makes the images, ready to be written, in the manifest's order. Its
// errors are those of the function Build, for all images together.
func (p *Project) Build(ctx context.Context) ([]*Image, error) {
	b := &builder{Options: p.Options, workers: p.compilers, compilers: map[string]*mpy.Compiler{}}
	plans := make([]*manifest.Plan, len(p.parts))
	warnings := make([][]Warning, len(p.parts))
	errs := make([]error, len(p.parts))
	for i := range p.parts {
		plans[i], errs[i] = b.resolve(ctx, &p.parts[i])
		warnings[i], b.warnings = b.warnings, nil
	}
	if err := manifest.JoinErrors(errs); err != nil {
		return nil, err
	}
	if p.all {
		b.lint(manifest.Unused(plans))
		warnings[0], b.warnings = append(b.warnings, warnings[0]...), nil
	}
	clear(errs)
	for i, plan := range plans {
		errs[i] = checkOutputs(p.Outputs, p.Path, plan)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := b.findTools(ctx, plans, p.parts, warnings); err != nil {
		return nil, err
	}
	if p.copies { // else they need not stay in memory
		p.plans = plans
	}
	images := make([]*Image, len(p.parts))
	said := map[Warning]bool{}
	for i := range p.parts {
		b.Reporter = p.reporter(i)
		im, err := b.image(ctx, plans[i], p.parts[i].target)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			errs[i] = p.named(i, err)
			continue
		}
		images[i] = im
		if len(p.parts) > 1 {
			for j := range im.Warnings {
				im.Warnings[j].Message = p.parts[i].file + ": " + im.Warnings[j].Message
			}
		}
		all := slices.Concat(warnings[i], b.warnings, im.Warnings)
		images[i].Warnings = slices.DeleteFunc(all, func(w Warning) bool {
			again := said[w]
			said[w] = true
			return again || slices.Contains(plans[i].Allow, manifest.LintCode(w.Code))
		})
		b.warnings = nil
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return images, nil
}

// reporter tells the images apart where there are several.
func (p *Project) reporter(i int) report.Reporter {
	if len(p.parts) == 1 {
		return p.Reporter
	}
	return report.Named(p.Reporter, p.parts[i].target.Partition.Name)
}

// named says which of several images an error is about, where that is not
// plain from the file that it names.
func (p *Project) named(i int, err error) error {
	if len(p.parts) == 1 {
		return err
	}
	switch e := err.(type) {
	case *FitError:
		return fmt.Errorf("%s: %w", p.parts[i].file, e)
	case interface{ Unwrap() []error }:
		var all []error
		for _, each := range e.Unwrap() {
			all = append(all, p.named(i, each))
		}
		return errors.Join(all...)
	}
	return err
}
