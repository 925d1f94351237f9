package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// reportResult is what report prints with --output json.
type reportResult struct {
	Report   string          `json:"report"`
	Image    string          `json:"image"`
	SHA256   artifact.Digest `json:"sha256"`
	Size     int64           `json:"size"` // of the page
	Errors   int64           `json:"errors"`
	Warnings int64           `json:"warnings"`
}

func newReportCmd(a *app) *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report [IMAGE|MANIFEST|DIR]",
		Short: "Draw what is in an image, and where, as one HTML page",
		Long: `Write one HTML page about an image: the partition to scale with its erase
blocks, every file at its offset, padding, shared content and free space; a
treemap by folder; a table of all files that sorts and filters; the usage of
partition and budget; and what "romfs verify" finds. Images in files of the
image are opened.

With --base, what has changed since an older image, which blocks differ, and
what a deploy sends, copies and erases, by kind of firmware. With --ram, the
heap that importing each module takes, as "romfs ram --output json" has
measured it.

The page needs no network, and the same inputs give the same bytes. Its name is
the image's with .html, in the current directory, if -o names none. IMAGE may be
"-" for stdin. Of a damaged image the page has what is readable, and the exit
code is 5.`,
		Example: `  romfs report
  romfs report app.romfs -o report.html
  romfs report app.romfs --base deployed.romfs --budget 1MiB
  romfs ram app.romfs --output json >ram.json
  romfs report app.romfs --ram ram.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultManifest
			if len(args) > 0 {
				path = args[0]
			}
			return f.run(cmd.Context(), a, path)
		},
	}
	f.source.add(a, cmd)
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "out", "o", "", "write the page to `file`; - is stdout")
	flags.StringVar(&f.base, "base", "", "compare with an older `image`")
	flags.StringVar(&f.ram, "ram", "", "show the RAM figures in a `file` that romfs ram --output json has written")
	flags.StringVar(&f.budget, "budget", "", "show usage against this `size`, such as 1MiB; over the manifest's")
	return cmd
}

type reportFlags struct {
	source                 sourceFlags
	out, base, ram, budget string
}

func (f *reportFlags) run(ctx context.Context, a *app, path string) error {
	if err := f.check(a, path); err != nil {
		return err
	}
	ledger, err := f.ledger()
	if err != nil {
		return err
	}
	subjects, err := f.subjects(ctx, a, path)
	if err != nil {
		return err
	}
	var results []reportResult
	var damage error
	for _, s := range subjects {
		defer s.image.Close()
		html, r, err := f.draw(ctx, a, s, ledger)
		if html == nil {
			return err
		}
		damage = errors.Join(damage, err)
		if f.out == "-" {
			if _, err := a.stdout.Write(html); err != nil {
				return &pack.OutputError{Err: err}
			}
			return damage
		}
		if err := f.spares(r.Report, path); err != nil {
			return err
		}
		if err := atomicfile.WriteFile(r.Report, html); err != nil {
			return &pack.OutputError{Path: r.Report, Err: err}
		}
		results = append(results, r)
	}
	err = a.result(oneOrAll(results), func(w io.Writer) error {
		for _, r := range results {
			found := "no findings"
			if r.Errors+r.Warnings > 0 {
				found = report.Plural(r.Errors, "error") + ", " + report.Plural(r.Warnings, "warning")
			}
			if _, err := fmt.Fprintf(w, "%s: a report on %s (%s)\n", r.Report, r.Image, found); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return damage
}

// check finds out what cannot be before work that takes long.
func (f *reportFlags) check(a *app, path string) error {
	if path == "-" && f.base == "-" {
		return &usageError{"only one of the two images can come from stdin"}
	}
	if err := a.checkStdout(f.out, "the page", true); err != nil {
		return err
	}
	if f.out == "" || f.out == "-" {
		return nil
	}
	if err := f.spares(f.out, path); err != nil {
		return err
	}
	return checkOutput(f.out)
}

// spares refuses to write over what the report is about.
func (f *reportFlags) spares(out, path string) error {
	for _, in := range []string{path, artifact.Path(path), f.base, f.ram} {
		if in != "" && inspect.SameFile(in, out) {
			return &usageError{fmt.Sprintf("the report would overwrite %s, which it is about; name another file with -o", in)}
		}
	}
	return nil
}
