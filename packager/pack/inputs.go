package pack

import (
	"context"
	"path/filepath"
	"slices"

	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/transform"
)

// Inputs returns what a build with these options reads: the manifests, the board's
// file, the sources, what transforms read and the program of one if it lies beside
// the manifest; and the directories that are searched for sources. They need not be
// there. Where the build would fail early, an error says why, and the paths are
// those that were come to.
func Inputs(ctx context.Context, o Options) ([]string, error) {
	in := inputs{}
	in.add(o.Path)
	in.board(o.Board)
	err := in.project(ctx, o)
	slices.Sort(in)
	return slices.Compact(in), err
}

type inputs []string

func (in *inputs) add(path string) { *in = append(*in, path) }

func (in *inputs) board(idOrPath string) {
	if board.IsPath(idOrPath) {
		in.add(idOrPath)
	}
}

func (in *inputs) project(ctx context.Context, o Options) error {
	p, err := Open(ctx, o)
	if err != nil {
		// It may be the board's file that is wrong.
		if m, _ := manifest.Load(o.Path); m != nil {
			in.board(boardOf(m))
		}
		return err
	}
	b := &builder{Options: p.Options, reads: in.add}
	errs := make([]error, len(p.parts))
	for i := range p.parts {
		if profile := p.parts[i].target.Board; profile != nil && profile.File != "" {
			in.add(profile.File)
		}
		var plan *manifest.Plan
		if plan, errs[i] = b.resolve(ctx, &p.parts[i]); plan != nil {
			eachSource(plan, in.add)
			in.programs(plan)
		}
	}
	return manifest.JoinErrors(errs)
}

// programs adds those of transforms that are named by their path.
func (in *inputs) programs(plan *manifest.Plan) {
	for e := range plan.Files() {
		switch t := e.Transform; {
		case e.Nested != nil:
			in.programs(e.Nested)
		case t != nil && t.Preset == "":
			if program, ok := transform.Beside(t.Run[0], filepath.Dir(e.File)); ok {
				in.add(program)
			}
		}
	}
}
