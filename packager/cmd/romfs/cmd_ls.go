package main

import (
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

func newLsCmd(a *app) *cobra.Command {
	var f boardFlags
	var long, omv bool
	cmd := &cobra.Command{
		Use:   "ls IMAGE [PATH]",
		Short: "List what is in an image",
		Long: `List the files of an image as a tree, or those below PATH. IMAGE may be "-" for
stdin.

With --long: for each file the address on the board, offset in the image, size,
alignment of the offset and sha256. With --omv: exactly the lines that OpenMV's
romfs.ls_romfs() prints on the board.

Where damage hides files, a warning says so: "romfs verify" tells more.`,
		Example: `  romfs ls app.romfs
  romfs ls app.romfs lib --long
  romfs ls app.romfs --omv --board openmv-n6
  romfs build app -o - | romfs ls -`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if omv && len(args) > 1 {
				return &usageError{"--omv lists all of /rom, as ls_romfs() does; leave PATH out"}
			}
			in, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			o := inspect.ListOptions{Target: f.target(), Digests: long}
			if len(args) > 1 {
				o.Dir = inspect.CleanPath(args[1])
			}
			l, damage := inspect.List(cmd.Context(), in, o)
			if l == nil {
				return damage
			}
			if damage == nil && len(l.Damage) > 0 {
				a.reporter.Log(report.Warning, (&inspect.DamageError{Image: in.Name, Problems: l.Damage}).Error())
			}
			err = a.result(l, func(w io.Writer) error {
				switch {
				case omv:
					return a.printOMV(w, l)
				case long:
					return printLong(w, l.Entries)
				}
				return printTree(w, l.Entries, o.Dir)
			})
			if err != nil {
				return err
			}
			return damage
		},
	}
	f.add(a, cmd)
	cmd.Flags().BoolVarP(&long, "long", "l", false, "print address, offset, size, alignment and sha256")
	cmd.Flags().BoolVar(&omv, "omv", false, "print what OpenMV's romfs.ls_romfs() prints")
	cmd.MarkFlagsMutuallyExclusive("long", "omv")
	return cmd
}
