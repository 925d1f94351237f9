package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/romfs"
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

// A payload is one image that a deploy sends.
type payload struct {
	image   []byte
	sidecar *artifact.Sidecar // nil for an image without one
	board   *board.Profile    // nil: not known
	name    string
	path    string            // of the image, where it is a file; else where `romfs build` would write it
	signers []*sign.PublicKey // who has signed it, of those that were asked for
}

// partition names the partition that the image was made for, as -p would; ""
// where that is not known.
func (p *payload) partition() string {
	switch {
	case p.sidecar == nil || p.sidecar.Partition == nil:
		return ""
	case p.board == nil:
		return fmt.Sprint(p.sidecar.Partition.Index)
	}
	return p.sidecar.Partition.Name
}

// index is that of the partition, as the board counts them.
func (p *payload) index() int {
	if p.sidecar == nil || p.sidecar.Partition == nil {
		return 0
	}
	return p.sidecar.Partition.Index
}

// payloads builds a manifest or directory, or reads an image and its sidecar.
// There are several only of a manifest with several images.
func (a *app) payloads(ctx context.Context, path string, f *sourceFlags) ([]*payload, error) {
	if isImage(path) {
		p, err := a.readPayload(ctx, path, f)
		return []*payload{p}, err
	}
	project, err := f.open(ctx, a, path)
	if err != nil {
		return nil, err
	}
	images, err := project.Build(ctx)
	if err != nil {
		return nil, err
	}
	a.warnings(images)
	var all []*payload
	files := project.Files()
	for i, im := range images {
		var b bytes.Buffer
		if err := im.Stream(ctx, &b, a.reporter); err != nil {
			return nil, err
		}
		s, err := im.Sidecar()
		if err != nil {
			return nil, err
		}
		all = append(all, &payload{image: b.Bytes(), sidecar: s, board: im.Spec.Board, name: im.Spec.Name, path: files[i]})
	}
	return all, nil
}

// isImage tells an image from a manifest or a directory: by its name, as
// mpremote does, and else by its first bytes; "-" is one on standard input.
func isImage(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return path == "-" || ext == ".romfs" || ext == ".img" || beginsAsImage(path)
}

func (a *app) readPayload(ctx context.Context, path string, f *sourceFlags) (*payload, error) {
	in, err := a.openImage(ctx, path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	p := &payload{path: in.Path, image: make([]byte, in.Size()), name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
	if _, err := io.ReadFull(io.NewSectionReader(in.Data, 0, in.Size()), p.image); err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	for _, problem := range romfs.Validate(bytes.NewReader(p.image), in.Size()) {
		if problem.Severity == romfs.Error {
			return nil, &inspect.ImageError{Image: in.Name, Err: fmt.Errorf("offset %d: %s; `romfs verify` tells more", problem.Offset, problem.Message)}
		}
	}
	if in.Path != "" {
		if p.sidecar, err = artifact.ForImage(in.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	id := f.board
	if id == "" && p.sidecar != nil {
		id = p.sidecar.Board
	}
	if p.board, err = board.Lookup(id); err != nil {
		if f.board != "" {
			return nil, &pack.BoardError{Err: err}
		}
		p.board = nil // a board file that is not here: the sidecar is what is known
	}
	if p.sidecar != nil {
		p.name = p.sidecar.Name
	}
	return p, nil
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
