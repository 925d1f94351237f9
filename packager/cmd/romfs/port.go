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

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/port"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// portFlags are those of every verb that talks to boards.
type portFlags struct {
	ports []string
	all   bool
	baud  int
	file  string
}

func (f *portFlags) add(cmd *cobra.Command, several bool) {
	flags := cmd.Flags()
	usage := "`port` of the board: /dev/…, COM…, socket://host:port, rfc2217://host:port, exec:command, sim:, a name of the ports file, or a USB serial number (default: $ROMFS_PORT, the ports file, else the one USB device that matches)"
	if several {
		flags.StringArrayVar(&f.ports, "port", nil, usage+"; may be repeated")
		flags.BoolVar(&f.all, "all", false, "every board that matches, at once")
	} else {
		flags.StringArrayVar(&f.ports, "port", nil, usage)
	}
	flags.IntVar(&f.baud, "baud", port.DefaultBaud, "`speed` of serial lines; USB ignores it")
	f.addBook(cmd)
}

func (f *portFlags) addBook(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "ports-file", "", "`file` that names this machine's boards (default: ./"+port.PortsFile+")")
}

// book reads the ports file, if there is one.
func (f *portFlags) book(a *app) (port.Book, error) {
	if f.file != "" {
		return port.ReadBook(f.file)
	}
	// Under `bazel run` the current directory is not the user's.
	book, err := port.ReadBook(filepath.Join(a.getenv("BUILD_WORKSPACE_DIRECTORY"), port.PortsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return book, err
}

// choose returns the ports to use.
func (f *portFlags) choose(a *app, profile *board.Profile) ([]string, error) {
	if f.baud <= 0 {
		return nil, &usageError{fmt.Sprintf("--baud takes a speed in bits a second, not %d", f.baud)}
	}
	book, err := f.book(a)
	if err != nil {
		return nil, err
	}
	c := port.Choice{Ports: f.ports, All: f.all, Default: a.getenv("ROMFS_PORT"), Book: book, Board: profile}
	ports, err := c.Choose()
	for i, port := range ports {
		// Named in full, messages say which board is simulated.
		if port == "sim:" && profile != nil && profile.File == "" {
			ports[i] += profile.ID
		}
	}
	return ports, err
}

// chooseOne is choose for verbs that take one board.
func (f *portFlags) chooseOne(a *app, profile *board.Profile) (string, error) {
	ports, err := f.choose(a, profile)
	if err != nil {
		return "", err
	}
	if len(ports) > 1 {
		return "", &port.Error{Err: fmt.Errorf("one board at a time, not %s", strings.Join(ports, ", "))}
	}
	return ports[0], nil
}

func (f *portFlags) opener(a *app, profile *board.Profile) *port.Opener {
	return &port.Opener{Baud: f.baud, Sim: a.simulate(profile)}
}

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
	for _, im := range images {
		var b bytes.Buffer
		if err := im.Stream(ctx, &b, a.reporter); err != nil {
			return nil, err
		}
		s, err := im.Sidecar()
		if err != nil {
			return nil, err
		}
		all = append(all, &payload{b.Bytes(), s, im.Spec.Board, im.Spec.Name})
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
	p := &payload{image: make([]byte, in.Size()), name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
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
		o, err := simboard.ParseSpec(spec)
		if err != nil {
			return nil, err
		}
		if o.Board == nil && o.Partitions == nil {
			o.Board = profile
		}
		o.Interpreter = a.getenv("ROMFS_MICROPYTHON")
		return simboard.Connect(ctx, o)
	}
}
