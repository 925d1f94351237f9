package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

func newDiffCmd(a *app) *cobra.Command {
	var f boardFlags
	var erase string
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two images, file by file and by what a deploy would send",
		Long: `Compare image A, on a board, with image B, to be deployed: by file, and by flash
block with the number of blocks that the deploy would send. Firmware that erases
from the partition's start only, as that of MicroPython 1.28 and before does
where the partition is memory-mapped flash, takes all up to the last changed
block; where the board may have such firmware, both numbers are given.

One of the images may be "-" for stdin. The block size is the erase unit of the
board (--board, else that of B's or A's sidecar), or 4096.

Exit code 0, or with --exit-code 10 if the images differ in any byte.`,
		Example: `  romfs diff old.romfs new.romfs
  romfs diff old.romfs new.romfs --board openmv-n6
  romfs build -o - | romfs diff deployed.romfs - --exit-code`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" && args[1] == "-" {
				return &usageError{"only one of the two images can come from stdin"}
			}
			old, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer old.Close()
			new, err := a.openImage(cmd.Context(), args[1])
			if err != nil {
				return err
			}
			defer new.Close()
			o := inspect.DiffOptions{Target: f.target()}
			if o.Erase, err = parseSize("erase", erase); err != nil {
				return err
			}
			d, err := inspect.Diff(cmd.Context(), old, new, o)
			if err != nil {
				return err
			}
			for _, damage := range d.Damage {
				a.reporter.Log(report.Warning, damage)
			}
			if err := a.result(d, func(w io.Writer) error { return printDifference(w, d) }); err != nil {
				return err
			}
			if exitCode && !d.Same {
				return &differsError{}
			}
			return nil
		},
	}
	f.add(a, cmd)
	cmd.Flags().StringVar(&erase, "erase", "", "`size` of a flash block, such as 4KiB; over the board's")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 10 if the images differ")
	return cmd
}

func printDifference(w io.Writer, d *inspect.Difference) error {
	for _, f := range d.Files {
		var detail string
		switch f.Change {
		case inspect.Added:
			detail = report.Size(f.New.Size)
		case inspect.Removed:
			detail = report.Size(f.Old.Size)
		case inspect.Changed:
			detail = fmt.Sprintf("%s -> %s", report.Size(f.Old.Size), report.Size(f.New.Size))
		case inspect.Moved:
			detail = fmt.Sprintf("%d -> %d", f.Old.Offset, f.New.Offset)
		}
		line := fmt.Sprintf("%-8s %s  %s", f.Change, report.Name(f.Path), detail)
		if f.Dir {
			line = fmt.Sprintf("%-8s %s/", f.Change, report.Name(f.Path))
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if d.Same {
		_, err := fmt.Fprintln(w, "the images are equal")
		return err
	}
	more := ""
	if n := d.Blocks.SendFromStart; n != nil && *n != d.Blocks.Send {
		more = fmt.Sprintf(", or %d where the firmware erases from the start only", *n)
	}
	_, err := fmt.Fprintf(w, "a deploy would send %d of %s of %s%s\n", d.Blocks.Send, report.Plural(d.Blocks.Total, "block"), report.Size(d.Blocks.Erase), more)
	return err
}
