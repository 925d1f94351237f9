package export

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/images"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// A Request says in which form images are wanted, and where.
type Request struct {
	Format  Format
	Pad     Pad              // "": to whole erase blocks, where their size is known
	Address *uint64          // of the partition's first byte; nil: the board's
	Family  *board.UF2Family // nil: the board's
	Out     string           // the one file to write; empty: named as the image, in the current directory
}

// A File is an image in such a form.
type File struct {
	Out       string          `json:"out"`
	Format    Format          `json:"format"`
	Image     string          `json:"image"` // the artifact's name
	SHA256    artifact.Digest `json:"sha256"`
	Size      int64           `json:"size"`
	Padded    int64           `json:"padded"`            // bytes of flash that the file fills
	Address   *uint64         `json:"address,omitempty"` // where they go; none for img
	Board     string          `json:"board,omitempty"`
	Partition string          `json:"partition,omitempty"`
	Warnings  []string        `json:"-"`

	image   []byte
	options Options
}

// File decides how an image of that name is written for a place.
func (r *Request) File(name string, image []byte, place *Place) (*File, error) {
	p := *place
	p.Address = r.Address
	switch {
	case r.Family != nil:
		p.Families = []board.UF2Family{*r.Family}
	case p.Board != nil:
		p.Families = p.Board.UF2
	}
	o, err := p.Options(r.Format, r.Pad, int64(len(image)))
	if err != nil {
		return nil, err
	}
	f := &File{Out: r.FileName(name), Format: r.Format, Image: name, SHA256: sha256.Sum256(image), Size: int64(len(image)),
		Padded: o.Padded(int64(len(image))), image: image, options: o}
	if r.Format.Addressed() {
		f.Address = &o.Address
	}
	if p.Board != nil {
		f.Board = p.Board.ID
	}
	if p.Partition != nil {
		f.Partition = p.Partition.Name
	}
	if r.Format == DfuSe && p.PlainDFU() {
		f.Warnings = append(f.Warnings, fmt.Sprintf("the bootloader of %s takes no DfuSe files: send it an img with `dfu-util -a %d -D FILE`, or use `romfs deploy --via dfu`", p.Board.ID, p.Partition.DFU.Alt))
	}
	return f, nil
}

// Expect has a project refuse to pack or to overwrite the files that will be
// written of its images.
func (r *Request) Expect(p *pack.Project) error {
	if r.Out != "" {
		if err := p.One("-o names one file"); err != nil {
			return err
		}
	}
	for _, name := range p.Files() {
		if r.Out != "-" {
			p.Outputs = append(p.Outputs, r.FileName(name))
		}
	}
	return nil
}

// A Where is what a caller says of the place of a finished image, over its sidecar.
type Where struct {
	Board, Partition string // as the command line names them; "": the sidecar's
	Size             int64  // of the partition; 0: as the board or the sidecar says
}

// Files decides how images are written; one that was built goes where its manifest
// says.
func (r *Request) Files(all []*images.Image, where Where) ([]*File, error) {
	var files []*File
	for _, im := range all {
		var f *File
		var err error
		if im.Built == nil {
			f, err = r.finished(im, where)
		} else {
			f, err = r.File(im.Path, im.Data, &Place{Board: im.Built.Spec.Board, Partition: im.Built.Spec.Partition, Align: im.Sidecar.Align})
		}
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// finished is File for an image that was built before.
func (r *Request) finished(im *images.Image, where Where) (*File, error) {
	place, err := PlaceOf(im.Sidecar, im.Board, where.Board, where.Partition, where.Size)
	if err != nil {
		return nil, err
	}
	if place.Board != nil {
		rules, err := inspect.BoardAlign(im.Data, place.Board)
		if err != nil {
			return nil, err
		}
		place.Align = max(place.Align, rules)
	}
	f, err := r.File(im.Name, im.Data, place)
	if err == nil && im.Path != "" && inspect.SameFile(f.Out, im.Path) {
		return nil, &inspect.ChoiceError{Reason: fmt.Sprintf("%s would replace the image itself; name another file with -o", f.Out)}
	}
	return f, err
}

// FileName is the name of the file for an image of that name.
func (r *Request) FileName(name string) string {
	if r.Out != "" {
		return r.Out
	}
	for _, ext := range []string{".romfs", ".img"} {
		name = strings.TrimSuffix(name, ext)
	}
	return name + "." + string(r.Format)
}

// Stream writes the file to w, which is standard output.
func (f *File) Stream(w io.Writer) error { return f.write(w, "") }

// write tells an address that the format cannot hold from a full disk.
func (f *File) write(w io.Writer, path string) error {
	err := Write(w, f.image, f.options)
	if err == nil || errors.Is(err, ErrAddress) {
		return err
	}
	return &pack.OutputError{Path: path, Err: err}
}

// Save writes all files or none.
func Save(ctx context.Context, files []*File) error {
	var pending []*atomicfile.File
	defer func() {
		for _, p := range pending {
			p.Close()
		}
	}()
	for _, f := range files {
		p, err := atomicfile.Create(f.Out)
		if err != nil {
			return &pack.OutputError{Path: f.Out, Err: err}
		}
		pending = append(pending, p)
		if err := f.write(p, f.Out); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, p := range pending {
		if err := p.Commit(); err != nil {
			return &pack.OutputError{Path: files[i].Out, Err: err}
		}
	}
	return nil
}

// String describes the file in a line for people.
func (f *File) String() string {
	s := fmt.Sprintf("%s: %s, %s of flash", f.Out, f.Format, report.Size(f.Padded))
	if f.Address != nil {
		s += fmt.Sprintf(" from 0x%08X", *f.Address)
	}
	if f.Partition != "" {
		s += fmt.Sprintf(" (%s of %s)", f.Partition, cmp.Or(f.Board, "no board"))
	}
	return s + fmt.Sprintf("; image of %s, sha256 %s", report.Size(f.Size), f.SHA256.Short())
}
