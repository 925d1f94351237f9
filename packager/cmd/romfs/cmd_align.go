package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// alignedResult is what align prints with --output json.
type alignedResult struct {
	Image   string          `json:"image"`
	Out     string          `json:"out"`
	Board   string          `json:"board"`
	Layout  string          `json:"layout"`
	Changed bool            `json:"changed"`
	Size    int64           `json:"size"`
	Before  int64           `json:"size_before"`
	SHA256  artifact.Digest `json:"sha256"`
	Sidecar string          `json:"sidecar,omitempty"`
	Moved   []movedFile     `json:"moved"` // every file whose bytes lie elsewhere now
}

type movedFile struct {
	Path        string `json:"path"`
	From        int64  `json:"from"` // offsets in the image
	To          int64  `json:"to"`
	AlignBefore int64  `json:"align_before"`
	Align       int64  `json:"align"`
	Needs       int64  `json:"needs,omitempty"` // what the board's rule asks for
	Rule        string `json:"rule,omitempty"`
	wrong       bool   // it lay less aligned than it has to
}

func newAlignCmd(a *app) *cobra.Command {
	var f boardFlags
	var out string
	cmd := &cobra.Command{
		Use:   "align IMAGE",
		Short: "Rewrite an image so that its files are aligned as a board needs",
		Long: `Write an image anew with every file aligned as the rules of a board ask: what
"romfs verify --board" finds misaligned is right afterwards. Names, order and
contents stay, and so does the layout: what OpenMV's tools could read they can
still read. On OpenMV boards, files that shared their bytes get their own.
Records that readers skip are kept; alignment that files have already is, too.

The result goes to -o FILE, or to NAME-aligned.EXT in the current directory;
IMAGE itself is replaced only if -o names it. "-" is stdin or stdout. An image
that is right already is copied as it is. With a sidecar, the new image gets
one as well.`,
		Example: `  romfs align romfs0.img --board openmv-n6
  romfs align app.romfs --board openmv-n6 -o app.romfs
  romfs align - --board openmv-ae3 -p romfs1 -o - <romfs1.img >fixed.img`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case out == "" && args[0] == "-":
				out = "-"
			case out == "":
				base := filepath.Base(args[0])
				ext := filepath.Ext(base)
				out = strings.TrimSuffix(base, ext) + "-aligned" + ext
			}
			if err := a.checkStdout(out, "the image", false); err != nil {
				return err
			}
			in, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			al := &aligner{input: in, out: out}
			if err := al.plan(&f); err != nil {
				return err
			}
			if out == "-" {
				_, err = al.write(cmd.Context(), a.stdout)
			} else {
				err = al.save(cmd.Context())
			}
			for _, w := range al.warnings {
				a.reporter.Log(report.Warning, w)
			}
			if err != nil || out == "-" {
				return err
			}
			return a.result(al.result, al.print)
		},
	}
	f.add(a, cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", "write the image to `file`; - is stdout, without a sidecar")
	return cmd
}

// An aligner rewrites one image.
type aligner struct {
	*input
	out       string
	described *artifact.Sidecar // nil without a sidecar
	profile   *board.Profile
	part      *board.Partition
	wanted    func(*romfs.Entry) int64 // bytes: by the board's rules and the sidecar
	layout    *romfs.Plan              // nil: the image is right as it is
	result    alignedResult
	warnings  []string
}

// plan decides where every file goes, and writes nothing.
func (al *aligner) plan(f *boardFlags) error {
	for _, p := range romfs.Validate(al.data, al.length) {
		if p.Severity == romfs.Error {
			return &imageError{fmt.Errorf("%s: it is damaged: %v; `romfs verify` says more, and nothing was written", al.name, p)}
		}
	}
	var err error
	if al.described, err = al.sidecar(); err != nil {
		return err
	}
	if al.profile, al.part, err = f.find(al.described); err != nil {
		return err
	}
	if al.profile == nil {
		return &usageError{"say for which board: --board ID (romfs boards lists them)"}
	}
	id, err := al.identity()
	if err != nil {
		return fmt.Errorf("%s: %w", al.name, err)
	}
	asked := map[string]int64{}
	if s := al.described; s != nil {
		if s.Image != id {
			return &artifact.MismatchError{Image: al.path, Sidecar: artifact.Path(al.path), Got: id, Want: s.Image}
		}
		for i := range s.Files {
			asked[s.Files[i].Path] = s.Files[i].Align
		}
	}
	entries, err := al.entries(".")
	if err != nil {
		return err
	}
	files := 0
	for _, e := range entries {
		if !e.Dir {
			files++
		}
	}
	if s := al.described; s != nil && len(s.Files) != files {
		return &artifact.FormatError{File: artifact.Path(al.path), Err: fmt.Errorf("it lists %d files, and the image has %d", len(s.Files), files)}
	}
	al.wanted = func(e *romfs.Entry) int64 {
		path := e.Path()
		want := asked[path]
		if rule := al.profile.AlignRule(path); rule != nil {
			want = max(want, rule.To)
		}
		return want
	}
	right := true
	for _, e := range entries {
		right = right && (e.Dir || e.Size == 0 || e.Offset%max(al.wanted(e), 1) == 0)
	}
	layout, err := al.Layout()
	if err != nil {
		return err
	}
	al.result = alignedResult{Image: al.name, Out: al.out, Board: al.profile.ID, Layout: layout.String(),
		Size: al.Size(), Before: al.Size(), SHA256: id.SHA256, Moved: []movedFile{}}
	if right {
		return nil
	}
	o := romfs.RewriteOptions{Layout: layout, Align: al.wanted, NoPointers: al.profile.OpenMV, DirAlign: al.profile.MaxAlign(), MaxSize: al.part.Size, EraseUnit: al.part.Erase}
	if al.part.Medium == board.ECC {
		o.WriteUnit = al.part.Write
	}
	if al.layout, err = al.Rewrite(o); err != nil {
		return &imageError{fmt.Errorf("%s: %w", al.name, err)}
	}
	al.result.Changed, al.result.Size = true, al.layout.Size
	return al.compare(entries)
}

// compare notes what moves, and checks that the result fits.
func (al *aligner) compare(entries []*romfs.Entry) error {
	var largest *romfs.Placed
	files := al.layout.Files
	for _, e := range entries {
		if e.Dir {
			continue
		}
		now := &files[0]
		files = files[1:]
		if largest == nil || now.Size > largest.Size {
			largest = now
		}
		if now.Offset == e.Offset || e.Size == 0 {
			continue
		}
		moved := movedFile{Path: e.Path(), From: e.Offset, To: now.Offset, AlignBefore: lowestBit(e.Offset), Align: lowestBit(now.Offset), wrong: e.Offset%max(al.wanted(e), 1) != 0}
		if rule := al.profile.AlignRule(moved.Path); rule != nil {
			moved.Needs, moved.Rule = rule.To, rule.Match
		}
		al.result.Moved = append(al.result.Moved, moved)
	}
	if size := al.layout.Size; al.part.Size > 0 && size > al.part.Size {
		return &pack.FitError{Size: size, Limit: al.part.Size, Of: fmt.Sprintf("partition %s of %s", al.part.Name, al.profile.ID),
			Largest: []string{fmt.Sprintf("%s (%s)", largest.Path, report.Size(largest.Size))}}
	}
	if over := pack.InTail(al.part, al.layout.Size); over > 0 {
		al.warnings = append(al.warnings, fmt.Sprintf("the image reaches %d bytes into the last %d of partition %s, which %s cannot read safely [%s]", over, al.part.Tail, al.part.Name, al.profile.ID, pack.WarnEnd))
	}
	if extra := al.length - al.Size(); extra > 0 {
		al.warnings = append(al.warnings, fmt.Sprintf("%s: the %d bytes behind the image are left out", al.name, extra))
	}
	return nil
}

func lowestBit(n int64) int64 { return 1 << bits.TrailingZeros64(uint64(n)) }

// write writes the new image, or all bytes of one that is right already.
func (al *aligner) write(ctx context.Context, w io.Writer) (int64, error) {
	var n int64
	var err error
	w = ctxWriter{ctx, w}
	if al.layout != nil {
		n, err = al.layout.WriteTo(w)
	} else {
		n, err = io.Copy(w, io.NewSectionReader(al.data, 0, al.length))
	}
	if ctx.Err() != nil {
		return n, context.Cause(ctx)
	}
	var changed *romfs.ContentChangedError
	if err != nil && !errors.As(err, &changed) {
		err = &pack.OutputError{Path: strings.TrimPrefix(al.out, "-"), Err: err}
	}
	return n, err
}

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

// save writes the image and, if the old one had a sidecar, the new one's: both
// whole or neither.
func (al *aligner) save(ctx context.Context) error {
	if al.layout == nil && sameFile(al.path, al.out) {
		return nil
	}
	if al.described == nil {
		if _, err := os.Stat(artifact.Path(al.out)); err == nil {
			al.warnings = append(al.warnings, artifact.Path(al.out)+" describes another image; remove it, or build again")
		}
	}
	image, err := atomicfile.Create(al.out)
	if err != nil {
		return &pack.OutputError{Path: al.out, Err: err}
	}
	defer image.Close()
	h := sha256.New()
	if _, err = al.write(ctx, io.MultiWriter(image, h)); err != nil {
		return err
	}
	if al.layout != nil {
		al.result.SHA256 = artifact.Digest(h.Sum(nil))
	}
	if al.described == nil || !image.Regular() {
		return al.commit(image, al.out)
	}
	al.result.Sidecar = artifact.Path(al.out)
	sidecar, err := atomicfile.Create(al.result.Sidecar)
	if err != nil {
		return &pack.OutputError{Path: al.result.Sidecar, Err: err}
	}
	defer sidecar.Close()
	al.describe()
	if err := al.described.EncodeTo(sidecar); err != nil {
		return &pack.OutputError{Path: al.result.Sidecar, Err: err}
	}
	if err := al.commit(image, al.out); err != nil {
		return err
	}
	return al.commit(sidecar, al.result.Sidecar)
}

func (al *aligner) commit(f *atomicfile.File, path string) error {
	if err := f.Commit(); err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	return nil
}

// describe brings the sidecar up to date: what did not move with the bytes
// stays as it is.
func (al *aligner) describe() {
	s := al.described
	if al.layout == nil {
		return
	}
	s.Image = artifact.Image{SHA256: al.result.SHA256, Size: al.layout.Size}
	s.Board, s.Dedup, s.Align = al.profile.ID, s.Dedup && !al.profile.OpenMV, 1
	p := al.part
	s.Partition = &artifact.Partition{Name: p.Name, Index: p.Index, Base: p.Base, Size: p.Size, Erase: p.Erase}
	s.Totals.Padding, s.Totals.Shared, s.Totals.Duplicates, s.Totals.Free = al.layout.Padding, al.layout.Shared, 0, nil
	if p.Size > 0 {
		free := p.Size - al.layout.Size
		s.Totals.Free = &free
	}
	for i := range al.layout.Files {
		now, f := &al.layout.Files[i], &s.Files[i]
		f.Offset, f.Stored, f.SharedWith, f.AlignGiven = now.Offset, now.Stored, now.SharedWith, lowestBit(now.Offset)
		if rule := al.profile.AlignRule(f.Path); rule != nil {
			f.Align = max(f.Align, rule.To)
		}
		s.Align = max(s.Align, f.Align)
		if now.SharedWith != "" {
			s.Totals.Duplicates++
		}
	}
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func (al *aligner) print(w io.Writer) error {
	r := &al.result
	if !r.Changed {
		what := "copied to " + r.Out
		if sameFile(al.path, r.Out) {
			what = "left as it is"
		}
		_, err := fmt.Fprintf(w, "%s: every file is aligned as %s needs: %s\n", r.Image, r.Board, what)
		return err
	}
	for _, m := range r.Moved {
		needs := ""
		if m.Needs > 0 {
			needs = fmt.Sprintf("; %s needs %d (%s)", r.Board, m.Needs, m.Rule)
		}
		what := fmt.Sprintf("aligned to %d instead of %d", m.Align, m.AlignBefore)
		if !m.wrong {
			what = fmt.Sprintf("moved along, aligned to %d", m.Align)
		}
		if _, err := fmt.Fprintf(w, "%s: from %d to %d, %s%s\n", display(m.Path), m.From, m.To, what, needs); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s: %s moved, %s instead of %s, layout %s, sha256 %s\n", r.Out, report.Plural(int64(len(r.Moved)), "file"), report.Size(r.Size), report.Size(r.Before), r.Layout, r.SHA256.Short())
	return err
}
