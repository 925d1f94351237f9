package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

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
