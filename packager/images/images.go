// Package images gets the images that a command line names: a finished one with
// its sidecar, or those that a manifest or a directory makes.
package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// An Image is one of them, in memory.
type Image struct {
	Data    []byte
	SHA256  artifact.Digest
	Sidecar *artifact.Sidecar // nil for a finished image without one
	Board   *board.Profile    // nil: not known
	Name    string            // the artifact's
	Path    string            // of the file, "" of a stream; of a built image, where `romfs build` would write it
	Built   *pack.Image       // nil for a finished image
}

// Is tells an image from a manifest or a directory: by its name, as mpremote
// does, and else by its first bytes; "-" is one on standard input.
func Is(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return path == "-" || ext == ".romfs" || ext == ".img" || Begins(path)
}

// Begins tells whether a file begins as an image does, whatever its name.
func Begins(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(romfs.Magic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == romfs.Magic
}

// Read reads a finished image and its sidecar; it closes the source. The board
// is the one that the caller names, else the sidecar's. An image with an error in
// it is refused.
func Read(in *inspect.Source, boardID string) (*Image, error) {
	defer in.Close()
	opened, err := romfs.Open(in.Data, in.Length)
	if err != nil {
		return nil, &inspect.ImageError{Image: in.Name, Err: err}
	}
	im := &Image{Path: in.Path, Data: make([]byte, opened.Size()), Name: "image"}
	if in.Path != "" {
		im.Name = strings.TrimSuffix(filepath.Base(in.Path), filepath.Ext(in.Path))
	}
	if _, err := io.ReadFull(io.NewSectionReader(in.Data, 0, opened.Size()), im.Data); err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	im.SHA256 = sha256.Sum256(im.Data)
	for _, problem := range romfs.Validate(bytes.NewReader(im.Data), opened.Size()) {
		if problem.Severity == romfs.Error {
			return nil, &inspect.ImageError{Image: in.Name, Err: fmt.Errorf("offset %d: %s; `romfs verify` tells more", problem.Offset, problem.Message)}
		}
	}
	if in.Path != "" {
		if im.Sidecar, err = artifact.ForImage(in.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	id := boardID
	if s := im.Sidecar; s != nil {
		im.Name = s.Name
		if id == "" {
			id = s.Board
		}
	}
	if im.Board, err = board.Lookup(id); err != nil {
		if boardID != "" {
			return nil, &pack.BoardError{Err: err}
		}
		im.Board = nil // a board file that is not here: the sidecar is what is known
	}
	return im, nil
}

// Build makes the images of a project, in its order.
func Build(ctx context.Context, p *pack.Project) ([]*Image, error) {
	built, err := p.Build(ctx)
	if err != nil {
		return nil, err
	}
	files := p.Files()
	all := make([]*Image, len(built))
	for i, im := range built {
		var b bytes.Buffer
		if err := im.Stream(ctx, &b, p.Reporter); err != nil {
			return nil, err
		}
		s, err := im.Sidecar()
		if err != nil {
			return nil, err
		}
		all[i] = &Image{b.Bytes(), s.Image.SHA256, s, im.Spec.Board, im.Spec.Name, files[i], im}
	}
	return all, nil
}

// String names the image for people.
func (im *Image) String() string {
	return fmt.Sprintf("%s (%s, sha256 %s)", im.Name, report.Size(int64(len(im.Data))), im.SHA256.Short())
}

// Partition names the partition that the image was made for, as -p would; ""
// where that is not known.
func (im *Image) Partition() string {
	switch {
	case im.Sidecar == nil || im.Sidecar.Partition == nil:
		return ""
	case im.Board == nil:
		return fmt.Sprint(im.Sidecar.Partition.Index)
	}
	return im.Sidecar.Partition.Name
}

// Sources returns the files that were compiled, by the path of what became of
// them; none of a finished image, which has lost them.
func (im *Image) Sources() map[string]string {
	sources := map[string]string{}
	if im.Built == nil {
		return sources
	}
	for i := range im.Built.Plan.Files {
		path := im.Built.Plan.Files[i].Path
		if in := im.Built.Input(path); in.Kind == artifact.KindMPY && strings.HasSuffix(in.Path, ".py") {
			sources[path] = in.Path
		}
	}
	return sources
}

// Open opens the image to look into it. Of a built one, the name is that of the
// file that `romfs build` would write.
func (im *Image) Open(ctx context.Context) (*inspect.Image, error) {
	name := im.Path
	if name == "" {
		name = "standard input"
	}
	s, err := inspect.ReadSource(ctx, name, bytes.NewReader(im.Data))
	if err != nil {
		return nil, err
	}
	return s.Image()
}
