package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

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
			al, err := inspect.Align(in, f.target())
			if err != nil {
				return err
			}
			err = a.writeAligned(cmd.Context(), al, out)
			for _, w := range al.Warnings {
				a.reporter.Log(report.Warning, w)
			}
			if err != nil || out == "-" {
				return err
			}
			return a.result(al, func(w io.Writer) error { return printAlignment(w, al) })
		},
	}
	f.add(a, cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", "write the image to `file`; - is stdout, without a sidecar")
	return cmd
}

func (a *app) writeAligned(ctx context.Context, al *inspect.Alignment, out string) error {
	if out == "-" {
		return al.Stream(ctx, a.stdout)
	}
	return al.Save(ctx, out)
}

func printAlignment(w io.Writer, r *inspect.Alignment) error {
	if !r.Changed {
		what := "copied to " + r.Out
		if r.InPlace(r.Out) {
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
		if !m.Wrong {
			what = fmt.Sprintf("moved along, aligned to %d", m.Align)
		}
		if _, err := fmt.Fprintf(w, "%s: from %d to %d, %s%s\n", report.Name(m.Path), m.From, m.To, what, needs); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s: %s moved, %s instead of %s, layout %s, sha256 %s\n", r.Out, report.Plural(int64(len(r.Moved)), "file"), report.Size(r.Size), report.Size(r.Before), r.Layout, r.SHA256.Short())
	return err
}
