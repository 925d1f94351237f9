package inspect

import (
	"context"
	"fmt"
	"path"

	"rules_romfs/internal/pow2"
	"rules_romfs/packager/artifact"
	kinds "rules_romfs/packager/content"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/romfs"
)

// The codes of findings, besides those of package romfs and pack.WarnEnd.
const (
	CodeSidecar      = "sidecar"       // the sidecar is another image's
	CodeTooLarge     = "too-large"     // for the partition
	CodeMisaligned   = "misaligned"    // a file, against the board's rule or the sidecar
	CodeNotMPY       = "not-mpy"       // a .mpy file that is none
	CodeABI          = "abi"           // a .mpy file that the board cannot load
	CodeUnknownBoard = "unknown-board" // the sidecar names one that is not here
	CodeNested       = "nested"        // a nested image that was not checked
)

// A Concern is what a finding is about. The earlier one weighs more.
type Concern int

const (
	AboutImage   Concern = iota // the image is invalid, or does not fit
	AboutSidecar                // image and sidecar do not belong together
	AboutBoard                  // the board cannot use it
)

// A Finding is something that is wrong with an image.
type Finding struct {
	Code     string  `json:"code"`
	Severity string  `json:"severity"` // error or warning
	Path     string  `json:"path,omitempty"`
	Offset   int64   `json:"offset"`
	Message  string  `json:"message"`
	Concern  Concern `json:"-"`

	Alignment *Misalignment `json:"alignment,omitempty"` // of CodeMisaligned, against a board's rule

	// Meant marks a warning about what every image of this layout has, or every
	// one for this board: builds make it so.
	Meant bool `json:"-"`
}

// A Misalignment is a file that is less aligned than its board needs.
type Misalignment struct {
	Address uint64 `json:"address"` // on the board; the offset, where it is not mapped
	Given   int64  `json:"given"`
	Needs   int64  `json:"needs"`
	Rule    string `json:"rule"`
	Why     string `json:"why,omitempty"`
}

// A Verification is what Verify found.
type Verification struct {
	Image    string           `json:"image"` // its name for people
	Size     int64            `json:"size"`  // 0: it is none
	SHA256   *artifact.Digest `json:"sha256,omitempty"`
	Board    string           `json:"board,omitempty"` // that it was checked for
	Sidecar  bool             `json:"sidecar"`         // there is one, and it was compared
	Findings []Finding        `json:"findings"`
}

// Verdict counts what fails: errors, and if strict the warnings that are not
// Meant. concern is the earliest among them; without any, ok is true.
func (v *Verification) Verdict(strict bool) (errors, warnings int64, concern Concern, ok bool) {
	ok = true
	for _, f := range v.Findings {
		if f.Severity == romfs.Warning.String() {
			warnings++
			if !strict || f.Meant {
				continue
			}
		} else {
			errors++
		}
		if ok || f.Concern < concern {
			concern, ok = f.Concern, false
		}
	}
	return errors, warnings, concern, ok
}

// Verify checks an image for everything that a board would get wrong: the
// format, record by record; with a sidecar, that the two belong together; and
// for a board the size of its partition, the alignment of files that are used in
// place, and the ABI of .mpy files. Images in files of the image are checked
// too. The error is not about the image, but says why it could not be checked.
func Verify(ctx context.Context, src *Source, t Target) (*Verification, error) {
	v := &verifier{ctx: ctx, result: &Verification{Image: src.Name, Findings: []Finding{}}}
	for _, p := range romfs.Validate(src.Data, src.Length) {
		v.add(AboutImage, p.Severity, p.Code, p.Path, p.Offset, "%s", p.Message)
	}
	sidecar, err := src.Sidecar()
	if err != nil {
		return nil, err
	}
	if v.place, err = t.place(sidecar); err != nil {
		return nil, err
	}
	if v.place.Board != nil {
		v.result.Board = v.place.Board.ID
	} else if sidecar != nil && sidecar.Board != "" {
		v.add(AboutBoard, romfs.Warning, CodeUnknownBoard, "", 0, "the sidecar names board %s, which is not built in, so nothing was checked for it; name its file with --board", sidecar.Board)
	}
	m, err := romfs.Open(src.Data, src.Length)
	if err != nil {
		return v.result, nil // Validate has said so; there are no entries to look at
	}
	return v.result, v.image(&Image{m, src}, sidecar)
}

// A verifier checks one image.
type verifier struct {
	ctx    context.Context
	result *Verification
	place  Place
	nest   *nest
}

func (v *verifier) add(c Concern, severity romfs.Severity, code, path string, offset int64, format string, args ...any) *Finding {
	v.result.Findings = append(v.result.Findings, Finding{Code: code, Severity: severity.String(), Path: path, Offset: offset, Message: fmt.Sprintf(format, args...), Concern: c})
	return &v.result.Findings[len(v.result.Findings)-1]
}

// image checks what can be mounted.
func (v *verifier) image(im *Image, sidecar *artifact.Sidecar) error {
	v.result.Size = im.Size()
	id, err := im.Identity()
	if err != nil {
		return err
	}
	v.result.SHA256 = &id.SHA256
	if sidecar != nil {
		v.result.Sidecar = true
		v.sidecar(im, sidecar, id)
	}
	if v.place.Partition != nil {
		v.partition(im.Size())
	}
	if err := v.meant(im); err != nil {
		return err
	}
	v.nest = newNest(sidecar)
	return v.files(im, level{})
}

// sidecar holds the image against its description. The digest says it all; the
// alignments are compared too, since they were asked for.
func (v *verifier) sidecar(im *Image, s *artifact.Sidecar, id artifact.Image) {
	if s.Image != id || im.Length != im.Size() {
		got := artifact.Image{SHA256: id.SHA256, Size: im.Length}
		v.add(AboutSidecar, romfs.Error, CodeSidecar, "", 0, "%v", &artifact.MismatchError{Image: im.Path, Sidecar: artifact.Path(im.Path), Got: got, Want: s.Image})
		return
	}
	for _, file := range s.Files {
		if file.Size > 0 && file.Offset%file.Align != 0 {
			v.add(AboutImage, romfs.Error, CodeMisaligned, file.Path, file.Offset, "the sidecar asks for %d bytes of alignment, and the content lies at %d", file.Align, file.Offset)
		}
	}
}

// meant marks warnings about the outer record that builds provoke on purpose:
// OpenMV's builders know no evenness and have a header of 16 bytes, and flash whose
// last write may tear more than the magic needs one that is wider still.
func (v *verifier) meant(im *Image) error {
	layout, err := im.Layout()
	if _, damaged := err.(*romfs.FormatError); err != nil && !damaged {
		return err
	}
	openMV, torn := err == nil && layout == romfs.OpenMV, false
	if p := v.place.Partition; p != nil && p.TornUnit() > 0 {
		torn = im.HeaderSize() >= int64(len(romfs.Magic)+romfs.StableHeader(p.TornUnit()))
	}
	for i := range v.result.Findings {
		switch f := &v.result.Findings[i]; f.Code {
		case romfs.CodeOddSize:
			f.Meant = openMV
		case romfs.CodeLongHeader:
			f.Meant = openMV || torn
		}
	}
	return nil
}

// partition tells if an image of that size fits.
func (v *verifier) partition(size int64) {
	part, id := v.place.Partition, v.place.Board.ID
	if part.Size > 0 && size > part.Size {
		v.add(AboutImage, romfs.Error, CodeTooLarge, "", 0, "%d bytes do not fit into partition %s of %s, which has %d", size, part.Name, id, part.Size)
	}
	if over := pack.InTail(part, size); over > 0 {
		v.add(AboutImage, romfs.Warning, pack.WarnEnd, "", 0, "it reaches %d bytes into the last %d of partition %s, which %s cannot read safely: the read may hang it", over, part.Tail, part.Name, id)
	}
}

// files holds the files of an image against the demands of a board, and goes
// into those that are images.
func (v *verifier) files(im *Image, at level) error {
	entries, err := im.entries(".")
	if err != nil && entries == nil {
		return err
	} // damage is among the findings
	for _, e := range entries {
		if v.ctx.Err() != nil {
			return context.Cause(v.ctx)
		}
		if e.Dir || e.Err != nil {
			continue
		}
		if v.place.Board != nil {
			v.alignment(e, at)
		}
		if f := kinds.Check(e.Name, im.Section(e), e.Size); f != nil {
			v.add(AboutImage, romfs.Warning, f.Code, at.name(e.Path()), at.offset+e.Offset, "%s; %s", f.Message, f.Remedy)
		}
		if path.Ext(e.Name) == ".mpy" {
			if err := v.mpy(im, e, at); err != nil {
				return fmt.Errorf("%s: %w", im.Name, err)
			}
		}
		if err := v.nested(im, e, at); err != nil {
			return err
		}
	}
	return nil
}

// mpy checks the header of a .mpy file.
func (v *verifier) mpy(im *Image, e *romfs.Entry, at level) error {
	name, offset := at.name(e.Path()), at.offset+e.Offset
	head, err := im.mpyHead(e)
	if err != nil {
		return err
	}
	h, err := mpy.ParseHeader(head)
	switch {
	case err != nil && v.place.Board == nil:
		v.add(AboutBoard, romfs.Warning, CodeNotMPY, name, offset, "%v", err)
	case err != nil:
		v.add(AboutBoard, romfs.Error, CodeNotMPY, name, offset, "%v", err)
	case v.place.Board != nil:
		if err := pack.BoardAccepts(v.place.Board, h); err != nil {
			v.add(AboutBoard, romfs.Error, CodeABI, name, offset, "board %s cannot load it: %v", v.place.Board.ID, err)
		}
	}
	return nil
}

// alignment holds a file's address against the board's rule for it.
func (v *verifier) alignment(e *romfs.Entry, at level) {
	rule := v.place.Board.AlignRule(e.Path())
	offset := at.offset + e.Offset
	if rule == nil || e.Size == 0 || offset%rule.To == 0 {
		return
	}
	base := v.place.Partition.Base
	m := Misalignment{Address: base + uint64(offset), Given: pow2.Of(offset), Needs: rule.To, Rule: rule.Match, Why: rule.Why}
	where := fmt.Sprintf("at offset %d", offset)
	if base != 0 {
		where = fmt.Sprintf("at address 0x%08X", m.Address)
	}
	why := ""
	if m.Why != "" {
		why = " (" + m.Why + ")"
	}
	remedy := "`romfs align` rewrites the image"
	if at.path != "" {
		remedy = "build the image for the board, with the nested one's manifest, since `romfs align` leaves nested images as they are"
	}
	v.add(AboutBoard, romfs.Error, CodeMisaligned, at.name(e.Path()), offset, "%s it is aligned to %d, and board %s needs %s aligned to %d%s; %s",
		where, m.Given, v.place.Board.ID, m.Rule, m.Needs, why, remedy).Alignment = &m
}

// nested checks a file that is an image itself.
func (v *verifier) nested(im *Image, e *romfs.Entry, at level) error {
	inner := at.inner(e)
	if found, err := v.nest.holds(im, e, at); !found || err != nil || v.nest.visited[inner.offset] {
		return err
	}
	if v.nest.full(inner) {
		v.add(AboutImage, romfs.Warning, CodeNested, inner.path, inner.offset, "is one of more than %d nested images, or more than %d levels deep, and is not checked", maxNested, maxNestedDepth)
		return nil
	}
	v.nest.visited[inner.offset] = true
	nested, notImage := im.open(e)
	openMV := false
	if notImage == nil {
		layout, err := nested.Layout()
		openMV = err == nil && layout == romfs.OpenMV
	}
	for _, p := range romfs.Validate(im.Section(e), e.Size) {
		if p.Code != romfs.CodeLongHeader { // nobody queries it
			v.add(AboutImage, p.Severity, p.Code, inner.name(p.Path), inner.offset+p.Offset, "in the nested image: %s", p.Message).Meant = p.Code == romfs.CodeOddSize && openMV
		}
	}
	if notImage != nil {
		return nil // Validate has said so
	}
	return v.files(nested, inner)
}
