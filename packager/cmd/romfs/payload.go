package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/images"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/trust/sign"
)

// lookupBoard returns the profile of a --board flag, or nil without one.
func lookupBoard(idOrPath string) (*board.Profile, error) {
	if idOrPath == "" {
		return nil, nil
	}
	p, err := board.Lookup(idOrPath)
	if err != nil {
		return nil, &pack.BoardError{Err: err}
	}
	return p, nil
}

// A payload is an image that a deploy sends, and who has signed it, of those that
// were asked for.
type payload struct {
	*images.Image
	signers []*sign.PublicKey
}

// String names it for people, and who has signed it if that was asked.
func (p *payload) String() string {
	if len(p.signers) == 0 {
		return p.Image.String()
	}
	return fmt.Sprintf("%s, signed by key %s)", strings.TrimSuffix(p.Image.String(), ")"), sign.ShortIDs(p.signed()))
}

// signed returns the ids of the keys that have signed the image, of those asked
// for, each once.
func (p *payload) signed() (ids []string) {
	for _, k := range p.signers {
		if !slices.Contains(ids, k.ID()) {
			ids = append(ids, k.ID())
		}
	}
	return ids
}

// images gets the images that path names: a finished one, or those of a manifest
// or directory, which it builds after prepare has looked at the project (nil: nothing
// is to be looked at).
func (a *app) images(ctx context.Context, path string, f *sourceFlags, prepare func(*pack.Project) error) ([]*images.Image, error) {
	if images.Is(path) {
		in, err := a.openSource(ctx, path)
		if err != nil {
			return nil, err
		}
		im, err := images.Read(in, f.board)
		if err != nil {
			return nil, err
		}
		return []*images.Image{im}, nil
	}
	project, err := f.open(ctx, a, path)
	if err != nil {
		return nil, err
	}
	if prepare != nil {
		if err := prepare(project); err != nil {
			return nil, err
		}
	}
	all, err := images.Build(ctx, project)
	for _, im := range all {
		a.warn(im.Built.Warnings)
	}
	return all, err
}

// payloads gets the images that a deploy sends.
func (a *app) payloads(ctx context.Context, path string, f *sourceFlags) ([]*payload, error) {
	found, err := a.images(ctx, path, f, nil)
	var all []*payload
	for _, im := range found {
		all = append(all, &payload{Image: im})
	}
	return all, err
}

// deployed is where the images that were deployed are kept.
func (a *app) deployed(off bool) *deploy.Cache {
	root, err := mpy.CacheRoot(a.getenv)
	if off || err != nil {
		return deploy.OpenCache("") // without a home, deploys send more
	}
	return deploy.OpenCache(filepath.Join(root, "deployed"))
}

// simulate returns what starts the board of a port "sim:SPEC" (see
// simboard.ParseSpec). Unless the spec names one, it is the deploy's board.
func (a *app) simulate(profile *board.Profile) func(context.Context, string) (io.ReadWriteCloser, error) {
	return func(ctx context.Context, spec string) (io.ReadWriteCloser, error) {
		return a.sims.Dial(ctx, spec, func() (simboard.Options, error) {
			o, err := simboard.ParseSpec(spec)
			if err == nil && o.Board == nil && o.Partitions == nil {
				o.Board = profile
			}
			o.Interpreter = a.getenv("ROMFS_MICROPYTHON")
			o.Stubs = append(o.Stubs, a.stubs...)
			return o, err
		})
	}
}

// checkStubs refuses stand-ins for hardware that is there.
func (a *app) checkStubs(ports []string) error {
	for _, p := range ports {
		if len(a.stubs) > 0 && !strings.HasPrefix(p, "sim:") {
			return &usageError{"--stub is for simulated boards, and " + p + " is none: it has its own hardware"}
		}
	}
	return nil
}
