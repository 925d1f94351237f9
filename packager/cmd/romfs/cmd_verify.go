package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// A finding is one line of verify's result.
type finding struct {
	Code     string `json:"code"`
	Severity string `json:"severity"` // error or warning
	Path     string `json:"path,omitempty"`
	Offset   int64  `json:"offset"`
	Message  string `json:"message"`
	exit     int    // what an error of this kind exits with

	Alignment *misalignment `json:"alignment,omitempty"` // of code misaligned, against a board's rule
}

// A misalignment is a file that is less aligned than its board needs.
type misalignment struct {
	Address uint64 `json:"address"` // on the board; the offset, where it is not mapped
	Given   int64  `json:"given"`   // bytes
	Needs   int64  `json:"needs"`
	Rule    string `json:"rule"`
	Why     string `json:"why,omitempty"`
}

type verifyResult struct {
	Image    string           `json:"image"`
	Size     int64            `json:"size"`
	SHA256   *artifact.Digest `json:"sha256,omitempty"`
	Board    string           `json:"board,omitempty"`
	Sidecar  bool             `json:"sidecar"` // there is one, and it was compared
	Findings []finding        `json:"findings"`
}

func newVerifyCmd(a *app) *cobra.Command {
	var f boardFlags
	var strict bool
	cmd := &cobra.Command{
		Use:   "verify IMAGE",
		Short: "Check an image for everything that a board would get wrong",
		Long: `Check an image: the format, record by record, for what MicroPython's driver
would silently get wrong; for a board the size of its partition, the alignment
of files that its firmware uses in place and the ABI of every .mpy file; and
with a sidecar that image and sidecar belong together. An image in a file of
the image is checked too. IMAGE may be "-" for stdin.

The findings go to stdout. Exit code 5: the image is invalid or does not fit;
8: the sidecar is another image's; 9: the board cannot use it.`,
		Example: `  romfs verify app.romfs
  romfs verify app.romfs --board openmv-n6 --strict
  romfs verify - --output json <app.romfs`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.openInput(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			v := &verifier{input: in, result: verifyResult{Image: in.name, Findings: []finding{}}}
			if err := v.run(&f); err != nil {
				return err
			}
			if err := a.result(v.result, v.print); err != nil {
				return err
			}
			return v.verdict(strict)
		},
	}
	f.add(a, cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "let warnings fail too")
	return cmd
}

// A verifier checks one image.
type verifier struct {
	*input
	result  verifyResult
	profile *board.Profile   // nil without a board
	part    *board.Partition // likewise
	nested  nestedImages
}

func (v *verifier) add(exit int, severity romfs.Severity, code, path string, offset int64, format string, args ...any) {
	v.result.Findings = append(v.result.Findings, finding{Code: code, Severity: severity.String(), Path: path, Offset: offset, Message: fmt.Sprintf(format, args...), exit: exit})
}

func (v *verifier) run(f *boardFlags) error {
	for _, p := range romfs.Validate(v.data, v.length) {
		v.add(exitImage, p.Severity, p.Code, p.Path, p.Offset, "%s", p.Message)
	}
	sidecar, err := v.sidecar()
	if err != nil {
		return err
	}
	profile, part, err := f.find(sidecar)
	if err != nil {
		return err
	}
	v.profile, v.part = profile, part
	if profile != nil {
		v.result.Board = profile.ID
	} else if sidecar != nil && sidecar.Board != "" {
		v.add(exitIncompatible, romfs.Warning, "unknown-board", "", 0, "the sidecar names board %s, which is not built in, so nothing was checked for it; name its file with --board", sidecar.Board)
	}
	v.Image, err = romfs.Open(v.data, v.length)
	if err != nil {
		return nil // Validate has said so; there are no entries to look at
	}
	v.result.Size = v.Size()
	id, err := v.identity()
	if err != nil {
		return fmt.Errorf("%s: %w", v.name, err)
	}
	v.result.SHA256 = &id.SHA256
	if sidecar != nil {
		v.result.Sidecar = true
		v.checkSidecar(sidecar, id)
		v.nested.described(sidecar)
	}
	if part != nil && part.Size > 0 && v.Size() > part.Size {
		v.add(exitImage, romfs.Error, "too-large", "", 0, "%d bytes do not fit into partition %s of %s, which has %d", v.Size(), part.Name, profile.ID, part.Size)
	}
	if part != nil {
		if over := pack.InTail(part, v.Size()); over > 0 {
			v.add(exitImage, romfs.Warning, pack.WarnEnd, "", 0, "it reaches %d bytes into the last %d of partition %s, which %s cannot read safely: the read may hang it", over, part.Tail, part.Name, profile.ID)
		}
	}
	return v.checkFiles(v.input, within{})
}

// checkFiles holds the files of an image against the demands of a board, and
// goes into those that are images.
func (v *verifier) checkFiles(in *input, at within) error {
	entries, err := in.entries(".")
	if errors.Is(err, errPaths) {
		return err
	} // other damage is among the findings
	for _, e := range entries {
		if e.Dir || e.Err != nil {
			continue
		}
		if err := v.checkFile(in, e, at); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		if err := v.checkNested(in, e, at); err != nil {
			return err
		}
	}
	return nil
}

// checkSidecar holds the image against its description. The digest says it
// all; the alignments are compared too, since they were asked for.
func (v *verifier) checkSidecar(s *artifact.Sidecar, id artifact.Image) {
	if s.Image != id || v.length != v.Size() {
		got := artifact.Image{SHA256: id.SHA256, Size: v.length}
		v.add(exitVerify, romfs.Error, "sidecar", "", 0, "%v", &artifact.MismatchError{Image: v.path, Sidecar: artifact.Path(v.path), Got: got, Want: s.Image})
		return
	}
	for _, file := range s.Files {
		if file.Offset%file.Align != 0 {
			v.add(exitImage, romfs.Error, "misaligned", file.Path, file.Offset, "the sidecar asks for %d bytes of alignment, and the content lies at %d", file.Align, file.Offset)
		}
	}
}

// checkFile holds one file against the demands of a board.
func (v *verifier) checkFile(in *input, e *romfs.Entry, at within) error {
	name := at.name(e.Path())
	if v.profile != nil {
		v.checkAlign(e, at)
	}
	if path.Ext(name) != ".mpy" {
		return nil
	}
	head := make([]byte, min(e.Size, pack.MPYHeaderLen))
	if _, err := io.ReadFull(in.Section(e), head); err != nil {
		return err
	}
	h, err := mpy.ParseHeader(head)
	switch {
	case err != nil:
		severity := romfs.Warning
		if v.profile != nil {
			severity = romfs.Error
		}
		v.add(exitIncompatible, severity, "not-mpy", name, at.offset+e.Offset, "%v", err)
	case v.profile != nil:
		if err := pack.BoardAccepts(v.profile, h); err != nil {
			v.add(exitIncompatible, romfs.Error, "abi", name, at.offset+e.Offset, "board %s cannot load it: %v", v.profile.ID, err)
		}
	}
	return nil
}

// checkAlign holds a file's address against the board's rule for it.
func (v *verifier) checkAlign(e *romfs.Entry, at within) {
	rule := v.profile.AlignRule(e.Path())
	offset := at.offset + e.Offset
	if rule == nil || e.Size == 0 || offset%rule.To == 0 {
		return
	}
	address := v.part.Base + uint64(offset)
	where := fmt.Sprintf("at offset %d", offset)
	if v.part.Base != 0 {
		where = fmt.Sprintf("at address 0x%08X", address)
	}
	why := ""
	if rule.Why != "" {
		why = " (" + rule.Why + ")"
	}
	remedy := "`romfs align` rewrites the image"
	if at.path != "" {
		remedy = "build the image for the board, with the nested one's manifest, since `romfs align` leaves nested images as they are"
	}
	given := lowestBit(offset)
	v.add(exitIncompatible, romfs.Error, "misaligned", at.name(e.Path()), offset, "%s it is aligned to %d, and board %s needs %s aligned to %d%s; %s", where, given, v.profile.ID, rule.Match, rule.To, why, remedy)
	f := &v.result.Findings[len(v.result.Findings)-1]
	f.Alignment = &misalignment{Address: address, Given: given, Needs: rule.To, Rule: rule.Match, Why: rule.Why}
}

func (v *verifier) print(w io.Writer) error {
	for _, f := range v.result.Findings {
		where := ""
		if f.Path != "" && f.Path != "." {
			where = " " + display(f.Path)
		}
		if _, err := fmt.Fprintf(w, "%s: %s at %d%s: %s [%s]\n", v.name, f.Severity, f.Offset, where, f.Message, f.Code); err != nil {
			return err
		}
	}
	if len(v.result.Findings) > 0 {
		return nil
	}
	checked := []string{"format"}
	if v.result.Board != "" {
		checked = append(checked, "board "+v.result.Board)
	}
	if v.result.Sidecar {
		checked = append(checked, "sidecar")
	}
	_, err := fmt.Fprintf(w, "%s: ok: %s (checked: %s)\n", v.name, report.Size(v.result.Size), strings.Join(checked, ", "))
	return err
}

// verdict turns the findings into the error that gives the exit code.
func (v *verifier) verdict(strict bool) error {
	var errs, warnings int64
	code := 0
	for _, f := range v.result.Findings {
		if f.Severity == romfs.Warning.String() {
			warnings++
			if !strict {
				continue
			}
		} else {
			errs++
		}
		if code == 0 || f.exit < code {
			code = f.exit
		}
	}
	if code == 0 {
		return nil
	}
	var parts []string
	if errs > 0 {
		parts = append(parts, report.Plural(errs, "error"))
	}
	if warnings > 0 {
		parts = append(parts, report.Plural(warnings, "warning"))
	}
	return &codedError{code, errors.New(v.name + ": " + strings.Join(parts, ", "))}
}
