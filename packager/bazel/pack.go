package bazel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"

	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// pack assembles the image from the plans, the sources and what was compiled,
// and writes it with its sidecar, its digest and its origins.
func (a *Action) pack(ctx context.Context, f *flags) error {
	in, err := f.readInputs()
	if err != nil {
		return err
	}
	target, err := f.planTarget(in.own)
	if err != nil {
		return err
	}
	plan, err := in.plan(ctx, target)
	if err != nil {
		return err
	}
	spec, err := target.Spec(plan)
	if err != nil {
		return err
	}
	spec.BudgetLater = true
	origins, err := in.fill(&spec, target, f.mpyCrossVersion)
	if err != nil {
		return err
	}
	image, err := pack.Assemble(ctx, spec, 1, report.Discard())
	if err != nil {
		return in.locate(err)
	}
	for _, w := range image.Warnings {
		if !in.allowed(w.Code) {
			a.warn(f, w.Message)
		}
	}
	return write(image, f, origins)
}

// planTarget finds the board that the plan was made for.
func (f *flags) planTarget(p *planFile) (pack.Target, error) {
	board := p.Plan.Board
	if f.boardFile != "" {
		board = f.boardFile
	}
	return pack.NewTarget(board, p.Plan.Partition, f.partitionSize)
}

func (in *inputs) allowed(code string) bool {
	for _, allowed := range in.own.Plan.Allow {
		if string(allowed) == code {
			return true
		}
	}
	return false
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// fill gives each input its content, and returns the label of each file.
func (in *inputs) fill(spec *pack.Spec, target pack.Target, release string) (map[string]string, error) {
	origins := map[string]string{}
	var errs []error
	i := -1 // of the input: directories have none
	for _, p := range in.entries {
		if p.entry().Kind == manifest.Dir {
			continue
		}
		i++
		input := &spec.Inputs[i]
		var err error
		if p.entry().Kind == manifest.Image {
			origins[input.Dest] = p.plan.Label
			err = in.fillImage(input, p, target)
		} else {
			s, ok := in.sources[sourceKey{p.path, p.plan.name(p.entry().Source)}]
			if !ok {
				return nil, fmt.Errorf("%s is planned, but not among the sources: a defect of rules_romfs", p.describe())
			}
			origins[input.Dest] = s.label
			switch e := p.entry(); {
			case e.MPY != nil:
				spec.Compiler = release
				err = fillCompiled(spec, input, p, s)
			case isKept(e):
				_, err = fillModule(input, p, s)
			default:
				input.Path = s.path
				if isDir(s.path) {
					err = fmt.Errorf("%q is a directory, and Bazel knows its files by their own names only; write glob([\"%s/**\"]) where %s is named", s.name, path.Base(s.name), s.label)
				} else if e.Transform != nil {
					err = fillTransformed(input, p, s, target)
				}
			}
		}
		if err != nil {
			errs = append(errs, p.plan.at(p.entry(), err))
		}
	}
	return origins, errors.Join(errs...)
}

func (in *inputs) fillImage(input *pack.Input, p plannedEntry, target pack.Target) error {
	built := in.images[p.entry().Source]
	sidecar, err := artifact.Load(built.sidecar)
	if err != nil {
		return err
	}
	if target.Board != nil && sidecar.Board != target.Board.ID {
		was := "no board"
		if sidecar.Board != "" {
			was = "board " + sidecar.Board
		}
		return fmt.Errorf("the image nested as %q is for %s, and this one for %s; name the board in the attribute board of the outer image, and in neither manifest nor the inner image", input.Dest, was, target.Board.ID)
	}
	input.Path, input.OwnAlign = built.path, sidecar.Align
	return nil
}

func fillCompiled(spec *pack.Spec, input *pack.Input, p plannedEntry, s source) error {
	m, err := fillModule(input, p, s)
	if err != nil {
		return err
	}
	input.SourceSHA256 = &m.source
	// What the compiler emits is what firmware of its release loads.
	if h, err := mpy.ParseHeader(input.Code); err == nil {
		spec.ABIVersion = h.Version
		spec.ABISubVersion = max(spec.ABISubVersion, h.SubVersion)
	}
	return nil
}

// fillModule gives an input what the compile action made of a Python source,
// which is the source itself if it is kept.
func fillModule(input *pack.Input, p plannedEntry, s source) (module, error) {
	m, err := readModule(s.compiled, p.parts)
	if err == nil {
		input.Code = m.parts[p.part]
	}
	return m, err
}

// locate adds the line of the manifest to errors that name a source or file,
// and to those of an image that does not fit.
func (in *inputs) locate(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range joined.Unwrap() {
			errs = append(errs, in.locate(e))
		}
		return errors.Join(errs...)
	}
	var large *pack.FitError
	if errors.As(err, &large) {
		return fmt.Errorf("%s: %w", in.own.FitAt, err)
	}
	var bySource *pack.SourceError
	var byPath *pack.MPYError
	for _, p := range in.entries {
		e := p.entry()
		if errors.As(err, &bySource) && bySource.Source == e.Source && bySource.Rule == e.Rule ||
			errors.As(err, &byPath) && byPath.Path == e.Dest {
			return p.plan.at(e, err)
		}
	}
	return err
}

func write(image *pack.Image, f *flags, origins map[string]string) error {
	out, err := os.Create(f.out)
	if err != nil {
		return err
	}
	_, err = image.WriteTo(out)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	sidecar, err := image.Sidecar()
	if err != nil {
		return err
	}
	data, err := sidecar.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(artifact.Path(f.out), data, 0o666); err != nil {
		return err
	}
	if err := os.WriteFile(f.digest, []byte(sidecar.Image.SHA256.String()+"\n"), 0o666); err != nil {
		return err
	}
	if data, err = json.MarshalIndent(origins, "", " "); err != nil {
		return err
	}
	return os.WriteFile(f.origins, append(data, '\n'), 0o666)
}
