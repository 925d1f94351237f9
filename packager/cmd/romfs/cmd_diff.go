package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"rules_romfs/packager/board"
	"rules_romfs/packager/report"
)

type diffResult struct {
	Same   bool         `json:"same"` // byte for byte
	Files  []fileChange `json:"files"`
	Blocks blockDiff    `json:"blocks"`
}

// A fileChange is one path that differs.
type fileChange struct {
	Path   string `json:"path"`
	Change string `json:"change"` // added, removed, changed, or moved: the same content elsewhere
	Dir    bool   `json:"dir,omitempty"`
	Old    *place `json:"old,omitempty"`
	New    *place `json:"new,omitempty"`
}

type place struct {
	Offset int64 `json:"offset"`
	Size   int64 `json:"size"`
}

// A blockDiff is what the difference costs a deploy.
type blockDiff struct {
	Erase   int64 `json:"erase"` // bytes a block
	Total   int64 `json:"total"` // blocks that B takes
	Changed int64 `json:"changed"`
	Send    int64 `json:"send"` // changed, and the first one, whose header marks an image as complete
	// SendFromStart is what firmware takes that erases from the partition's
	// start only: all blocks up to the last changed one. Absent where the board
	// has no such firmware.
	SendFromStart *int64 `json:"send_from_start,omitempty"`
}

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
			unit, err := f.unit(erase, old, new)
			if err != nil {
				return err
			}
			r, err := diff(cmd.Context(), old, new, unit)
			if err != nil {
				return err
			}
			if err := a.result(r, r.print); err != nil {
				return err
			}
			if exitCode && !r.Same {
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

// defaultErase is the erase unit of almost every external flash chip, and the
// least that a deploy compares at once.
const defaultErase = 4096

// A unit is what a deploy sends at once.
type unit struct {
	size int64 // bytes
	// header: the first block goes with any other, since the board's image
	// becomes valid by it. Cells that need no erase take the few bytes alone.
	header bool
	// prefix: the firmware may be one that erases from the partition's start
	// only; tail: it then keeps what lies behind the last changed block.
	prefix, tail bool
}

// unit finds the block size: the flag's, the board's, a sidecar's.
func (f *boardFlags) unit(flag string, old, new *input) (unit, error) {
	if flag != "" {
		n, err := board.ParseSize(flag)
		if err == nil && n == 0 {
			err = errors.New("a block has at least one byte")
		}
		if err != nil {
			return unit{}, &usageError{fmt.Sprintf("--erase: %v", err)}
		}
		return unit{n, true, true, true}, nil
	}
	for _, in := range []*input{new, old} {
		s, err := in.sidecar()
		if err != nil {
			return unit{}, err
		}
		_, part, err := f.find(s)
		switch {
		case err != nil:
			return unit{}, err
		case part != nil && part.Erase > 0:
			cells := !part.Medium.Overwrites()
			u := unit{part.Erase, cells, cells && part.Segment != board.BlockDevice, true}
			if u.size < defaultErase && part.Segment != board.BlockDevice {
				u.size = (defaultErase + u.size - 1) / u.size * u.size
			}
			return u, nil
		case part != nil && part.Segment == board.Memoryview:
			// Where an erase ends is not known, so nothing behind it is kept.
			return unit{defaultErase, true, true, false}, nil
		case s != nil && s.Partition != nil && s.Partition.Erase > 0 && f.board == "":
			return unit{max(s.Partition.Erase, defaultErase), true, true, true}, nil
		}
	}
	return unit{defaultErase, true, true, true}, nil
}

// diff compares two images.
func diff(ctx context.Context, old, new *input, u unit) (*diffResult, error) {
	r := &diffResult{Files: []fileChange{}}
	var err error
	if r.Blocks, err = diffBlocks(ctx, old, new, u); err != nil {
		return nil, err
	}
	r.Same = r.Blocks.Changed == 0 && old.Size() == new.Size()
	if r.Same {
		return r, nil
	}
	before, err := old.contents(ctx)
	if err != nil {
		return nil, err
	}
	after, err := new.contents(ctx)
	if err != nil {
		return nil, err
	}
	for path, is := range after {
		was, ok := before[path]
		change := fileChange{Path: path, Dir: is.dir, New: &is.place}
		switch {
		case !ok:
			change.Change = "added"
		case was.dir != is.dir || was.sum != is.sum || was.place.Size != is.place.Size && !is.dir:
			change.Change, change.Old = "changed", &was.place
		case !is.dir && was.place.Offset != is.place.Offset:
			change.Change, change.Old = "moved", &was.place
		default:
			continue
		}
		r.Files = append(r.Files, change)
	}
	for path, was := range before {
		if _, ok := after[path]; !ok {
			r.Files = append(r.Files, fileChange{Path: path, Change: "removed", Dir: was.dir, Old: &was.place})
		}
	}
	slices.SortFunc(r.Files, func(a, b fileChange) int { return cmp.Compare(a.Path, b.Path) })
	return r, nil
}

type content struct {
	place
	dir bool
	sum [sha256.Size]byte
}

// contents maps every path to what it holds; of two equal ones the first, as
// the board does.
func (in *input) contents(ctx context.Context) (map[string]content, error) {
	entries, err := in.entries(".")
	if err != nil {
		return nil, err
	}
	all := make(map[string]content, len(entries))
	for _, e := range entries {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if _, ok := all[e.Path()]; ok {
			continue
		}
		c := content{place: place{e.Offset, e.Size}, dir: e.Dir}
		if !e.Dir {
			h := sha256.New()
			if _, err := io.Copy(h, in.Section(e)); err != nil {
				return nil, fmt.Errorf("%s: %w", in.name, err)
			}
			c.sum = [sha256.Size]byte(h.Sum(nil))
		}
		all[e.Path()] = c
	}
	return all, nil
}

// diffBlocks compares the flash blocks that the new image takes. Behind the
// old image a board may hold anything, so a block that reaches there counts as
// changed.
func diffBlocks(ctx context.Context, old, new *input, u unit) (blockDiff, error) {
	erase := u.size
	d := blockDiff{Erase: erase}
	first := false   // is among the changed
	last := int64(0) // of the changed, counted from 1
	a, b := make([]byte, erase), make([]byte, erase)
	for at := int64(0); at < new.Size(); at += erase {
		if ctx.Err() != nil {
			return d, context.Cause(ctx)
		}
		n := min(erase, new.Size()-at)
		d.Total++
		same := at+n <= old.Size()
		if same {
			for _, read := range []struct {
				in  *input
				buf []byte
			}{{old, a[:n]}, {new, b[:n]}} {
				if _, err := read.in.data.ReadAt(read.buf, at); err != nil && err != io.EOF {
					return d, fmt.Errorf("%s: %w", read.in.name, err)
				}
			}
			same = bytes.Equal(a[:n], b[:n])
		}
		if !same {
			d.Changed++
			last = d.Total
			first = first || at == 0
		}
	}
	d.Send = d.Changed
	if d.Changed > 0 && !first && u.header {
		d.Send++
	}
	if u.prefix {
		if !u.tail && last > 0 {
			last = d.Total
		}
		d.SendFromStart = &last
	}
	return d, nil
}

func (r *diffResult) print(w io.Writer) error {
	for _, f := range r.Files {
		var detail string
		switch f.Change {
		case "added":
			detail = report.Size(f.New.Size)
		case "removed":
			detail = report.Size(f.Old.Size)
		case "changed":
			detail = fmt.Sprintf("%s -> %s", report.Size(f.Old.Size), report.Size(f.New.Size))
		case "moved":
			detail = fmt.Sprintf("%d -> %d", f.Old.Offset, f.New.Offset)
		}
		line := fmt.Sprintf("%-8s %s  %s", f.Change, display(f.Path), detail)
		if f.Dir {
			line = fmt.Sprintf("%-8s %s/", f.Change, display(f.Path))
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if r.Same {
		_, err := fmt.Fprintln(w, "the images are equal")
		return err
	}
	more := ""
	if n := r.Blocks.SendFromStart; n != nil && *n != r.Blocks.Send {
		more = fmt.Sprintf(", or %d where the firmware erases from the start only", *n)
	}
	_, err := fmt.Fprintf(w, "a deploy would send %d of %s of %s%s\n", r.Blocks.Send, report.Plural(r.Blocks.Total, "block"), report.Size(r.Blocks.Erase), more)
	return err
}
