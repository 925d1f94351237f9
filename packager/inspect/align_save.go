package inspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/internal/pow2"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/romfs"
)

// Stream writes the new image to w, without a sidecar; all bytes of one that is
// right already.
func (al *Alignment) Stream(ctx context.Context, w io.Writer) error {
	return al.write(ctx, w, "")
}

// write writes to w, which is the file at path, or "" for standard output.
func (al *Alignment) write(ctx context.Context, w io.Writer, path string) error {
	var err error
	w = ctxWriter{ctx, w}
	if al.plan != nil {
		_, err = al.plan.WriteTo(w)
	} else {
		_, err = io.Copy(w, io.NewSectionReader(al.im.Data, 0, al.im.Length))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var changed *romfs.ContentChangedError
	if err != nil && !errors.As(err, &changed) {
		err = &pack.OutputError{Path: path, Err: err}
	}
	return err
}

// A ctxWriter stops at Ctrl-C.
type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c ctxWriter) Write(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(b)
}

// InPlace tells if the file at path is the image itself.
func (al *Alignment) InPlace(path string) bool { return SameFile(al.im.Path, path) }

// Save writes the image to the file out and, if the old one had a sidecar, the
// new one's: both whole or neither.
func (al *Alignment) Save(ctx context.Context, out string) error {
	al.Out = out
	if al.plan == nil && al.InPlace(out) {
		return nil
	}
	if al.sidecar == nil {
		if _, err := os.Stat(artifact.Path(out)); err == nil {
			al.Warnings = append(al.Warnings, artifact.Path(out)+" describes another image; remove it, or build again")
		}
	}
	image, err := atomicfile.Create(out)
	if err != nil {
		return &pack.OutputError{Path: out, Err: err}
	}
	defer image.Close()
	h := sha256.New()
	if err := al.write(ctx, io.MultiWriter(image, h), out); err != nil {
		return err
	}
	if al.plan != nil {
		al.SHA256 = artifact.Digest(h.Sum(nil))
	}
	if al.sidecar == nil || !image.Regular() {
		return commit(image, out)
	}
	al.Sidecar = artifact.Path(out)
	sidecar, err := atomicfile.Create(al.Sidecar)
	if err != nil {
		return &pack.OutputError{Path: al.Sidecar, Err: err}
	}
	defer sidecar.Close()
	al.describe()
	if err := al.sidecar.EncodeTo(sidecar); err != nil {
		return &pack.OutputError{Path: al.Sidecar, Err: err}
	}
	if err := commit(image, out); err != nil {
		return err
	}
	return commit(sidecar, al.Sidecar)
}

func commit(f *atomicfile.File, path string) error {
	if err := f.Commit(); err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	return nil
}

// describe brings the sidecar up to date: what did not move with the bytes
// stays as it is.
func (al *Alignment) describe() {
	s := al.sidecar
	if al.plan == nil {
		return
	}
	profile, p := al.place.Board, al.place.Partition
	s.Image = artifact.Image{SHA256: al.SHA256, Size: al.plan.Size}
	s.Board, s.Dedup, s.Align = profile.ID, s.Dedup && !profile.OpenMV, 1
	s.Partition = &artifact.Partition{Name: p.Name, Index: p.Index, Base: p.Base, Size: p.Size, Erase: p.Erase}
	s.Totals.Padding, s.Totals.Shared, s.Totals.Duplicates, s.Totals.Free = al.plan.Padding, al.plan.Shared, 0, nil
	if p.Size > 0 {
		free := p.Size - al.plan.Size
		s.Totals.Free = &free
	}
	for i := range al.plan.Files {
		now, f := &al.plan.Files[i], &s.Files[i]
		f.Offset, f.Stored, f.SharedWith, f.AlignGiven = now.Offset, now.Stored, now.SharedWith, pow2.Of(now.Offset)
		if rule := profile.AlignRule(f.Path); rule != nil {
			f.Align = max(f.Align, rule.To)
		}
		s.Align = max(s.Align, f.Align)
		if now.SharedWith != "" {
			s.Totals.Duplicates++
		}
	}
}

// SameFile tells if two paths name one file that is there.
func SameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
