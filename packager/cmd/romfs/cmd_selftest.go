package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/report"
	"rules_romfs/packager/selftest"
)

func newSelftestCmd(a *app) *cobra.Command {
	var p portFlags
	var boardID, size string
	var erase bool
	r := selftest.Request{}
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Try a board's ROM partition, and report how it did",
		Long: `Deploy images made for the purpose to a ROM partition, change them, cut the link
in the middle and resume, and compare. What the partition holds is lost, so it
takes --erase.

The report says which board, firmware and flash it was and how long each step
took: enough to tell others that it works, or to ask why not.`,
		Example: `  romfs selftest --erase
  romfs selftest --erase -p romfs1 --output json > report.json
  romfs selftest --erase --port sim:rp2?size=512KiB`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !erase {
				return &usageError{"selftest writes over what the partition holds; `romfs pull` saves it; say --erase to go on"}
			}
			var err error
			if r.Size, err = parseSize("size", size); err != nil {
				return err
			}
			if r.Board, err = lookupBoard(boardID); err != nil {
				return err
			}
			if r.Port, err = p.chooseOne(cmd.Context(), a, r.Board); err != nil {
				return err
			}
			r.Opener, r.Reporter = p.opener(a, r.Board), a.reporter
			result, failed := selftest.Run(cmd.Context(), r, version())
			if result.Machine == "" {
				return failed // there is nothing to report
			}
			if err := a.result(result, func(w io.Writer) error { return printSelftest(w, result) }); err != nil {
				return err
			}
			return failed
		},
	}
	p.add(cmd, false)
	flags := cmd.Flags()
	flags.BoolVar(&erase, "erase", false, "what the partition holds may be lost")
	flags.StringVar(&boardID, "board", "", "`board` id or board file; names the partitions, and tells what their flash is")
	flags.StringVarP(&r.Partition, "partition", "p", "", "`partition` name or index (default: the first)")
	flags.StringVar(&size, "size", "", "`size` of the images (default: 96 KiB, or what fits)")
	flags.BoolVar(&r.OtherCore, "core-stopped", false, "write a partition that another core of the board runs from: you have stopped that core")
	a.completeBoard(cmd, "board")
	return cmd
}

// printSelftest prints the report as people mail it.
func printSelftest(w io.Writer, r *selftest.Report) error {
	profile, erase := "no profile", "erase unit unknown"
	if r.Profile != "" {
		profile = "profile " + r.Profile
	}
	if r.Erase > 0 {
		erase = "erase unit " + report.Size(r.Erase)
	}
	_, err := fmt.Fprintf(w, "romfs %s\n%s, %s, port of MicroPython %s\nboard id %s, USB serial number %s, %s\npartition %d: %s as a %s, %s, smallest write %d; %s\n",
		r.Romfs, r.Machine, r.Firmware, r.Platform, orNone(r.ID), orNone(r.USBSerial), profile,
		r.Partition, report.Size(r.Size), r.Kind.Name(), erase, r.Write, r.Flash)
	for _, s := range r.Steps {
		mark := "ok    "
		if !s.Passed {
			mark = "FAILED"
		}
		if err == nil {
			_, err = fmt.Fprintf(w, "%s %7.2f s  %s: %s\n", mark, s.Seconds, s.Name, s.Note+s.Error)
		}
	}
	if err == nil && r.Passed {
		_, err = fmt.Fprintln(w, "passed")
	}
	return err
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
