package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/pattern"
	"rules_romfs/internal/slashpath"
	"rules_romfs/internal/syserr"
)

// DirOptions are the settings of a build from a plain directory.
type DirOptions struct {
	Name      string // base name of the artifact; empty for the directory's
	Board     string
	Partition string
	Layout    string // empty for compact
	Compile   bool   // whether .py files are compiled; boot.py and main.py of the root never are
	// BoardAlign are the board's alignment rules; the first match counts.
	BoardAlign []BoardAlign
	// OpenMV tells that OpenMV's tools are used on the board.
	OpenMV bool
	// Outputs are the paths that the build will write; one inside the
	// directory is an error.
	Outputs []string
	Allow   []LintCode
}

// maxDirEntries bounds a plain directory: symbolic links can make a small
// tree stand for any number of files without leading back to themselves.
const maxDirEntries = 200_000

// DirPlan returns the plan of a plain directory, as mpremote's romfs build
// takes it: everything in it, hidden files and empty directories too, with
// symbolic links followed, also out of it. There is no junk list and nothing
// is left out. Where a module is there as .py and as .mpy, both go in as they
// are.
func DirPlan(dir string, o DirOptions) (*Plan, []Warning, error) {
	return dirPlan(dir, o, maxDirEntries)
}

func dirPlan(dir string, o DirOptions, limit int) (*Plan, []Warning, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, nil, ioError(dir, err)
	}
	if !fi.IsDir() {
		return nil, nil, Errors{{File: dir, Code: CodeIO, Message: "is no directory"}}
	}
	if o.Name == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, nil, ioError(dir, err)
		}
		if o.Name = filepath.Base(abs); strings.ContainsAny(o.Name, `/\`) {
			o.Name = "root" // the root of a file system has no name
		}
	}
	if o.Layout == "" {
		o.Layout = "compact"
	}
	allow := slices.Clone(o.Allow)
	slices.Sort(allow)
	d := &dirPlanner{root: dir, o: o, limit: limit, plan: &Plan{Name: o.Name, Board: o.Board, Partition: o.Partition, Layout: o.Layout, Allow: slices.Compact(allow)}}
	src := DirSource(dir)
	for _, out := range o.Outputs {
		if name, ok := src.Locate(out); ok {
			d.add(name, CodeOutput, "choose an output outside of it with -o", "the build writes this file into the directory that it packs")
		}
	}
	globs, perr := compileBoardAlign(o.BoardAlign)
	if perr != nil {
		return nil, nil, Errors{{File: dir, Code: CodeBoard, Message: "an alignment rule of the board: " + perr.Message, Remedy: perr.Remedy}}
	}
	d.align = globs
	d.walk("", []os.FileInfo{fi})
	warns := d.lint()
	if len(d.errs) > 0 {
		return nil, warns, d.errs.Limit(dir)
	}
	return d.plan, warns, nil
}

type dirPlanner struct {
	root  string
	o     DirOptions
	limit int // of entries
	align []*pattern.Pattern
	plan  *Plan
	errs  Errors
}

// full returns the path on this machine of a name below the root.
func (d *dirPlanner) full(name string) string {
	return filepath.Join(d.root, filepath.FromSlash(name))
}

func (d *dirPlanner) add(name, code, remedy, format string, args ...any) {
	d.errs = append(d.errs, &Error{File: d.full(name), Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// walk adds the contents of dir. parents are the directories from the root
// to it, to find links that lead back up.
func (d *dirPlanner) walk(dir string, parents []os.FileInfo) {
	entries, err := os.ReadDir(d.full(dir))
	if err != nil {
		d.add(dir, CodeIO, "", "cannot be read: %s", syserr.Reason(err))
		return
	}
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		names[e.Name()] = true
	}
	for _, de := range entries {
		if len(d.plan.Entries) >= d.limit {
			if len(d.plan.Entries) == d.limit {
				d.plan.Entries = append(d.plan.Entries, Entry{}) // say it once
				d.add("", CodeLimit, "do symbolic links multiply it?", "the directory holds more than %d files", d.limit)
			}
			return
		}
		name := slashpath.Join(dir, de.Name())
		if why := badName(de.Name()); why != "" {
			d.add(name, CodeName, "rename it", "cannot be packed: %s", why)
			continue
		}
		mode := de.Type()
		var fi os.FileInfo
		if mode&fs.ModeSymlink != 0 || mode.IsDir() {
			if fi, err = os.Stat(d.full(name)); err != nil {
				d.badLink(name, err)
				continue
			}
			mode = fi.Mode()
		}
		switch {
		case mode.IsDir():
			if slices.ContainsFunc(parents, func(p os.FileInfo) bool { return os.SameFile(p, fi) }) {
				d.add(name, CodeIrregular, "remove it", "the symbolic link leads to a directory that holds it")
				continue
			}
			d.plan.Entries = append(d.plan.Entries, Entry{Kind: Dir, Dest: name, Source: name, Rule: "directory", Align: 1})
			d.walk(name, append(slices.Clip(parents), fi))
		case mode.IsRegular():
			d.plan.Entries = append(d.plan.Entries, d.file(name, names))
		default:
			d.add(name, CodeIrregular, "remove it", "it is a FIFO, socket or device, and cannot be packed")
		}
	}
}

func (d *dirPlanner) badLink(name string, err error) {
	switch {
	case isLoop(err):
		d.add(name, CodeIrregular, "remove it", "the symbolic link leads back to itself")
	case errors.Is(err, fs.ErrNotExist):
		d.add(name, CodeIrregular, "remove it", "the symbolic link is broken")
	default:
		d.add(name, CodeIO, "", "cannot be read: %s", syserr.Reason(err))
	}
}

// file returns the entry of one file; beside are the names in its directory.
func (d *dirPlanner) file(name string, beside map[string]bool) Entry {
	e := Entry{Kind: File, Dest: name, Source: name, Path: d.full(name), Rule: "directory", Align: 1}
	stem := strings.TrimSuffix(name, ".py")
	switch {
	case !isModule(name):
	case !d.o.Compile:
		e.MPYFrom = compilingIsOff
	case slices.Contains(defaultKeepSource, name):
		e.MPYFrom = "keep_source: " + name
	case beside[path.Base(stem)+".mpy"]:
		e.MPYFrom = "its .mpy is there too"
	default:
		e.MPY = &MPYOptions{SourceName: name, Emit: defaultEmit, Arch: defaultArch}
		e.MPYFrom = "defaults"
		e.Dest = stem + ".mpy"
	}
	if i := matchBoard(d.align, e.Dest); i >= 0 {
		b := d.o.BoardAlign[i]
		e.Align, e.AlignBy, e.AlignFrom = b.To, ByBoard, b.rule(d.o.Board)+b.reason()
		return e
	}
	if d.o.Layout == "openmv" {
		e.Align, e.AlignBy, e.AlignFrom = openmvAlign, ByLayout, "layout openmv"
	}
	return e
}

// lint gives each kind of warning once.
func (d *dirPlanner) lint() []Warning {
	var out []Warning
	count := map[LintCode]int{}
	for _, f := range lintEntries(d.plan.Entries, lintTools{openmv: d.o.OpenMV, layout: d.plan.Layout}) {
		if _, silent := slices.BinarySearch(d.plan.Allow, f.code); silent {
			continue
		}
		if count[f.code]++; count[f.code] == 1 {
			out = append(out, Warning{Code: f.code, File: d.root, Message: f.message, Remedy: f.remedy})
		}
	}
	for i := range out {
		if n := count[out[i].Code]; n > 1 {
			out[i].Message += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	return out
}
