package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/internal/syserr"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/report"
)

// Targets are where an image goes.
type Targets struct {
	Image string // path of the image; its sidecar goes beside it

	// HashedDir, if set, gets the image once more, as NAME-<12 digits of its
	// sha256>.romfs with its sidecar.
	HashedDir string
}

// HashedName is the content-hashed file name of an image.
func HashedName(name string, id artifact.Image) string {
	return fmt.Sprintf("%s-%s.romfs", name, id.SHA256.Short())
}

// Save writes the image and then its sidecar, each atomically: whoever looks
// sees the old files or the new ones, and after an error or Ctrl-C the old. A
// target that is no regular file, such as /dev/null, gets the image alone. It
// returns the paths written.
func (im *Image) Save(ctx context.Context, t Targets, reporter report.Reporter) ([]string, error) {
	s := saver{ctx: ctx}
	defer s.close()
	if err := s.add(im, t, reporter); err != nil {
		return nil, err
	}
	if err := s.commit(); err != nil {
		return nil, err
	}
	return s.paths, nil
}

// Save writes the images that Build made, each to its targets, as Image.Save
// does: all files are complete before the first takes its place.
func (p *Project) Save(ctx context.Context, images []*Image, targets []Targets) ([]*Result, error) {
	s := saver{ctx: ctx, check: p.checkCopy}
	defer s.close()
	results := make([]*Result, len(images))
	for i, im := range images {
		first := len(s.paths)
		if err := s.add(im, targets[i], p.reporter(i)); err != nil {
			return nil, err
		}
		sidecar, err := im.Sidecar()
		if err != nil {
			return nil, err
		}
		results[i] = newResult(sidecar, s.paths[first:len(s.paths):len(s.paths)], im.Warnings)
	}
	if err := s.commit(); err != nil {
		return nil, err
	}
	return results, nil
}

// A saver writes files that shall appear together.
type saver struct {
	ctx     context.Context
	check   func(path string) error // whether a content-hashed copy may be written; may be nil
	pending []*atomicfile.File
	paths   []string
}

func (s *saver) close() {
	for _, f := range s.pending {
		f.Close()
	}
}

// file begins one file and writes it.
func (s *saver) file(path string, write func(io.Writer) error) (*atomicfile.File, error) {
	f, err := atomicfile.Create(path)
	if err != nil {
		return nil, &OutputError{Path: path, Err: err}
	}
	s.pending, s.paths = append(s.pending, f), append(s.paths, path)
	return f, write(outputWriter{s.ctx, path, f})
}

// add writes the files of one image.
func (s *saver) add(im *Image, t Targets, reporter report.Reporter) error {
	stream := func(w io.Writer) error { return im.stream(s.ctx, w, reporter) }
	first, err := s.file(t.Image, stream)
	if err != nil {
		return err
	}
	sidecar, err := im.Sidecar()
	if err != nil {
		return err
	}
	if first.Regular() {
		if _, err := s.file(artifact.Path(t.Image), sidecar.EncodeTo); err != nil {
			return err
		}
	}
	if t.HashedDir == "" {
		return nil
	}
	path := filepath.Join(t.HashedDir, HashedName(im.Spec.Name, sidecar.Image))
	if s.check != nil {
		if err := s.check(path); err != nil {
			return err
		}
	}
	again := stream // where the first cannot be read
	if first.Regular() {
		again = func(w io.Writer) error { return copyOf(first, w) }
	}
	if _, err := s.file(path, again); err != nil {
		return err
	}
	_, err = s.file(artifact.Path(path), sidecar.EncodeTo)
	return err
}

// copyOf copies to w what was written to f.
func copyOf(f *atomicfile.File, w io.Writer) error {
	r, err := os.Open(f.Name())
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// commit puts the files in their places: once it has begun, Ctrl-C is too late.
func (s *saver) commit() error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	for i, f := range s.pending {
		if err := f.Commit(); err != nil {
			return &OutputError{Path: s.paths[i], Err: err, Written: s.paths[:i]}
		}
	}
	return nil
}

// Stream writes the image alone to w.
func (im *Image) Stream(ctx context.Context, w io.Writer, reporter report.Reporter) error {
	return im.stream(ctx, outputWriter{ctx, "", w}, reporter)
}

func (im *Image) stream(ctx context.Context, w io.Writer, reporter report.Reporter) error {
	task := reporter.Task("write", im.Plan.Size, report.Bytes)
	_, err := im.WriteTo(io.MultiWriter(w, report.Writer(task)))
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		task.Fail(err)
		return err
	}
	task.Done()
	return nil
}

// An OutputError says that the system did not take a result: disk full, no
// permission. Nothing of that file was left behind.
type OutputError struct {
	Path    string // empty: standard output
	Err     error
	Written []string // other files that have their new content already
}

func (e *OutputError) Error() string {
	switch {
	case e.Path == "":
		return fmt.Sprintf("cannot write to standard output: %v", cause(e.Err))
	case len(e.Written) > 0:
		return fmt.Sprintf("cannot write %s: %v; %s is new already, so build again", e.Path, syserr.Reason(e.Err), strings.Join(e.Written, ", "))
	case errors.Is(e.Err, fs.ErrNotExist):
		return fmt.Sprintf("cannot write %s: the folder %s does not exist", e.Path, filepath.Dir(e.Path))
	}
	return fmt.Sprintf("cannot write %s: %v; nothing was changed", e.Path, syserr.Reason(e.Err))
}

func (e *OutputError) Unwrap() error { return e.Err }

// outputWriter stops at Ctrl-C and tells failing to write from failing to read.
type outputWriter struct {
	ctx  context.Context
	path string
	w    io.Writer
}

func (o outputWriter) Write(b []byte) (int, error) {
	if o.ctx.Err() != nil {
		return 0, context.Cause(o.ctx)
	}
	n, err := o.w.Write(b)
	if err != nil {
		err = &OutputError{Path: o.path, Err: err}
	}
	return n, err
}
