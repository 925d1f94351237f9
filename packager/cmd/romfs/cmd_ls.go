package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

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

// printTree draws entries, which are in image order, under their directories.
func printTree(w io.Writer, entries []inspect.Entry, dir string) error {
	type node struct {
		entry    *inspect.Entry
		children []*node
	}
	root := &node{}
	dirs := map[string]*node{"": root, dir: root}
	for i := range entries {
		e := &entries[i]
		n := &node{entry: e}
		up := dirs[strings.TrimSuffix(strings.TrimSuffix(e.Path, e.Name), "/")]
		if up == nil {
			up = root // PATH named this one file
		}
		up.children = append(up.children, n)
		if e.Dir {
			dirs[e.Path] = n
		}
	}
	var draw func(n *node, indent string) error
	draw = func(n *node, indent string) error {
		for i, c := range n.children {
			branch, below := "|-- ", "|   "
			if i == len(n.children)-1 {
				branch, below = `\-- `, "    "
			}
			size, slash := fmt.Sprintf("%9d", c.entry.Size), ""
			if c.entry.Dir {
				size, slash = strings.Repeat(" ", 9), "/"
			}
			if _, err := fmt.Fprintf(w, "%s  %s%s%s%s\n", size, indent, branch, report.Name(c.entry.Name), slash); err != nil {
				return err
			}
			if err := draw(c, indent+below); err != nil {
				return err
			}
		}
		return nil
	}
	return draw(root, "")
}

func printLong(w io.Writer, entries []inspect.Entry) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "address\toffset\tsize\talign\tsha256\t  path\n")
	for _, e := range entries {
		address := "-"
		if e.Address != nil {
			address = fmt.Sprintf("0x%08X", *e.Address)
		}
		if e.Dir {
			fmt.Fprintf(t, "-\t%d\t-\t-\t-\t  %s/\n", e.Offset, report.Name(e.Path))
			continue
		}
		sum := "-"
		if e.SHA256 != nil {
			sum = e.SHA256.Short()
		}
		shared := ""
		if e.Shared {
			shared = "  (shared)"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t  %s%s\n", address, e.Offset, e.Size, e.Align, sum, report.Name(e.Path), shared)
	}
	return t.Flush()
}

// omvMask is what OpenMV's helper cuts addresses with: 28 bits
// (scripts/libraries/romfs.py in openmv/openmv).
const omvMask = 0xFFFFFFF

// printOMV prints the lines of OpenMV's romfs.ls_romfs(). That function opens
// each name in /rom as a file, so it ends with an exception at a directory.
func (a *app) printOMV(w io.Writer, l *inspect.Listing) error {
	for _, e := range l.Entries {
		if e.Dir {
			a.reporter.Log(report.Warning, fmt.Sprintf("%s is a directory: OpenMV's ls_romfs() ends with an exception there", report.Name(e.Path)))
			return nil
		}
		address := (l.Base + uint64(e.Offset)) & omvMask
		alignment := "NOT aligned"
		for _, n := range []uint64{128, 64, 32, 16, 8, 4} {
			if address%n == 0 {
				alignment = fmt.Sprintf("%-4d ", n)
				break
			}
		}
		if _, err := fmt.Fprintf(w, "addr: 0x%08X  size: %-8d  alignment: %s name: %s\n", address, e.Size, alignment, e.Name); err != nil {
			return err
		}
	}
	return nil
}
