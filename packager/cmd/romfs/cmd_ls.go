package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// lsResult is what ls prints with --output json.
type lsResult struct {
	Size      int64     `json:"size"`
	Board     string    `json:"board,omitempty"`
	Partition string    `json:"partition,omitempty"`
	Entries   []lsEntry `json:"entries"`
}

type lsEntry struct {
	Path    string           `json:"path"`
	Dir     bool             `json:"dir,omitempty"`
	Size    int64            `json:"size"`
	Offset  int64            `json:"offset"`
	Address *uint64          `json:"address,omitempty"` // of the content on the board, where it is mapped
	Align   int64            `json:"align,omitempty"`   // largest power of two that divides the offset
	Shared  bool             `json:"shared,omitempty"`  // its content is another entry's
	SHA256  *artifact.Digest `json:"sha256,omitempty"`
}

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
romfs.ls_romfs() prints on the board.`,
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
			dir := "."
			if len(args) > 1 {
				dir = cleanPath(args[1])
			}
			base, result, err := f.base(in)
			if err != nil {
				return err
			}
			entries, damage := in.entries(dir)
			if damage != nil && entries == nil {
				return damage
			}
			for _, e := range entries {
				l := lsEntry{Path: e.Path(), Dir: e.Dir, Size: e.Size, Offset: e.Offset, Shared: e.Pointer}
				if e.Dir || e.Err != nil {
					l.Size, l.Offset = 0, e.RecordOffset
				} else {
					l.Align = lowestBit(e.Offset)
					if base != 0 {
						address := base + uint64(e.Offset)
						l.Address = &address
					}
					if long {
						h := sha256.New()
						if _, err := io.Copy(h, in.Section(e)); err != nil {
							return fmt.Errorf("%s: %w", in.name, err)
						}
						sum := artifact.Digest(h.Sum(nil))
						l.SHA256 = &sum
					}
				}
				result.Entries = append(result.Entries, l)
			}
			err = a.result(result, func(w io.Writer) error {
				switch {
				case omv:
					return a.printOMV(w, entries, base)
				case long:
					return printLong(w, result.Entries)
				}
				return printTree(w, result.Entries, dir)
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

// cleanPath takes a path as people write it: "/lib/" as well as "lib".
func cleanPath(path string) string {
	path = strings.Trim(path, "/")
	if path == "" {
		return "."
	}
	return path
}

// base returns the address of an image's first byte, 0 if it is not known.
func (f *boardFlags) base(in *input) (uint64, *lsResult, error) {
	result := &lsResult{Size: in.Size(), Entries: []lsEntry{}}
	s, err := in.sidecar()
	if err != nil {
		return 0, nil, err
	}
	profile, part, err := f.find(s)
	switch {
	case err != nil:
		return 0, nil, err
	case profile != nil:
		result.Board, result.Partition = profile.ID, part.Name
		return part.Base, result, nil
	case s != nil && s.Partition != nil:
		result.Board, result.Partition = s.Board, s.Partition.Name
		return s.Partition.Base, result, nil
	}
	return 0, result, nil
}

// printTree draws entries, which are in image order, under their directories.
func printTree(w io.Writer, entries []lsEntry, dir string) error {
	type node struct {
		entry    *lsEntry
		children []*node
	}
	root := &node{}
	dirs := map[string]*node{".": root, dir: root}
	for i := range entries {
		e := &entries[i]
		n := &node{entry: e}
		up := dirs[parentPath(e.Path)]
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
			if _, err := fmt.Fprintf(w, "%s  %s%s%s%s\n", size, indent, branch, display(lastName(c.entry.Path)), slash); err != nil {
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

func parentPath(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return "."
}

func lastName(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

func printLong(w io.Writer, entries []lsEntry) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "address\toffset\tsize\talign\tsha256\t  path\n")
	for _, e := range entries {
		address := "-"
		if e.Address != nil {
			address = fmt.Sprintf("0x%08X", *e.Address)
		}
		if e.Dir {
			fmt.Fprintf(t, "-\t%d\t-\t-\t-\t  %s/\n", e.Offset, display(e.Path))
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
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t  %s%s\n", address, e.Offset, e.Size, e.Align, sum, display(e.Path), shared)
	}
	return t.Flush()
}

// omvMask is what OpenMV's helper cuts addresses with: 28 bits
// (scripts/libraries/romfs.py in openmv/openmv).
const omvMask = 0xFFFFFFF

// printOMV prints the lines of OpenMV's romfs.ls_romfs(). That function opens
// each name in /rom as a file, so it ends with an exception at a directory.
func (a *app) printOMV(w io.Writer, entries []*romfs.Entry, base uint64) error {
	for _, e := range entries {
		if e.Dir {
			a.reporter.Log(report.Warning, fmt.Sprintf("%s is a directory: OpenMV's ls_romfs() ends with an exception there", display(e.Path())))
			return nil
		}
		address := (base + uint64(e.Offset)) & omvMask
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
