package resolve

import (
	"context"
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
	"rules_romfs/internal/strictyaml"
	"rules_romfs/internal/syserr"
	"rules_romfs/manifest/internal/check"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/lint"
	"rules_romfs/manifest/internal/plan"
	"rules_romfs/manifest/internal/source"
	"rules_romfs/manifest/internal/spec"
)

// MaxDirEntries bounds a plain directory: symbolic links can make a small
// tree stand for any number of files without leading back to themselves.
const MaxDirEntries = 200_000

// DirPlan returns the plan of a plain directory, as mpremote's romfs build
// takes it: everything in it, hidden files and empty directories too, with
// symbolic links followed, also out of it. There is no junk list and nothing
// is left out. Where a module is there as .py and as .mpy, both go in as they
// are.
func DirPlan(ctx context.Context, dir string, o plan.DirOptions) (*plan.Plan, []plan.Warning, error) {
	return dirPlan(ctx, dir, o, MaxDirEntries)
}

func dirPlan(ctx context.Context, dir string, o plan.DirOptions, limit int) (*plan.Plan, []plan.Warning, error) {
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, nil, ioError(dir, err)
	}
	if !fi.IsDir() {
		return nil, nil, strictyaml.Errors{{File: dir, Code: code.IO, Message: "is no directory"}}
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
	d := &dirPlanner{ctx: ctx, root: dir, o: o, limit: limit, plan: &plan.Plan{Name: o.Name, Board: o.Board, Partition: o.Partition, Layout: o.Layout, Allow: slices.Compact(allow)}}
	src := source.FromDir(dir)
	for _, out := range o.Outputs {
		if name, ok := src.Locate(out); ok {
			d.add(name, code.Output, "choose an output outside of it with -o", "the build writes this file into the directory that it packs")
		}
	}
	globs, perr := compileBoardAlign(o.BoardAlign)
	if perr != nil {
		return nil, nil, strictyaml.Errors{{File: dir, Code: code.Board, Message: "an alignment rule of the board: " + perr.Message, Remedy: perr.Remedy}}
	}
	d.align = globs
	d.walk("", []os.FileInfo{fi})
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	warns := d.lint()
	if len(d.errs) > 0 {
		return nil, warns, d.errs.Limit(dir)
	}
	return d.plan, warns, nil
}

type dirPlanner struct {
	ctx   context.Context
	root  string
	o     plan.DirOptions
	limit int // of entries
	align []*pattern.Pattern
	plan  *plan.Plan
	errs  strictyaml.Errors
}

// full returns the path on this machine of a name below the root.
func (d *dirPlanner) full(name string) string {
	return filepath.Join(d.root, filepath.FromSlash(name))
}

// tell tells whoever wants to know that a name is read.
func (d *dirPlanner) tell(name string) {
	if d.o.Reads != nil {
		d.o.Reads(d.full(name))
	}
}

// add adds what is wrong with a name below the root; it was read to see that.
func (d *dirPlanner) add(name, code, remedy, format string, args ...any) {
	d.tell(name)
	d.errs = append(d.errs, &strictyaml.Error{File: d.full(name), Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// walk adds the contents of dir. parents are the directories from the root
// to it, to find links that lead back up.
func (d *dirPlanner) walk(dir string, parents []os.FileInfo) {
	d.tell(dir)
	entries, err := os.ReadDir(d.full(dir))
	if err != nil {
		d.add(dir, code.IO, "", "cannot be read: %s", syserr.Reason(err))
		return
	}
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		names[e.Name()] = true
	}
	for _, de := range entries {
		if d.ctx.Err() != nil {
			return
		}
		if len(d.plan.Entries) >= d.limit {
			if len(d.plan.Entries) == d.limit {
				d.plan.Entries = append(d.plan.Entries, plan.Entry{}) // say it once
				d.add("", code.Limit, "do symbolic links multiply it?", "the directory holds more than %d files", d.limit)
			}
			return
		}
		name := slashpath.Join(dir, de.Name())
		if why := check.BadName(de.Name()); why != "" {
			d.add(name, code.Name, "rename it", "cannot be packed: %s", why)
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
				d.add(name, code.Irregular, "remove it", "the symbolic link leads to a directory that holds it")
				continue
			}
			d.plan.Entries = append(d.plan.Entries, plan.Entry{Kind: plan.Dir, Dest: name, Source: name, Rule: "directory", Align: 1})
			d.walk(name, append(slices.Clip(parents), fi))
		case mode.IsRegular():
			d.plan.Entries = append(d.plan.Entries, d.file(name, names))
		default:
			d.add(name, code.Irregular, "remove it", "it is a FIFO, socket or device, and cannot be packed")
		}
	}
}

func (d *dirPlanner) badLink(name string, err error) {
	switch {
	case source.IsLoop(err):
		d.add(name, code.Irregular, "remove it", "the symbolic link leads back to itself")
	case errors.Is(err, fs.ErrNotExist):
		d.add(name, code.Irregular, "remove it", "the symbolic link is broken")
	default:
		d.add(name, code.IO, "", "cannot be read: %s", syserr.Reason(err))
	}
}

// file returns the entry of one file; beside are the names in its directory.
func (d *dirPlanner) file(name string, beside map[string]bool) plan.Entry {
	e := plan.Entry{Kind: plan.File, Dest: name, Source: name, Path: d.full(name), Rule: "directory", Align: 1}
	stem := strings.TrimSuffix(name, ".py")
	switch {
	case !spec.IsModule(name):
	case !d.o.Compile:
		e.MPYFrom = spec.CompilingIsOff
	case slices.Contains(spec.DefaultKeepSource, name):
		e.MPYFrom = "keep_source: " + name
	case beside[path.Base(stem)+".mpy"]:
		e.MPYFrom = "its .mpy is there too"
	default:
		e.MPY = &plan.MPYOptions{SourceName: name, Emit: spec.DefaultEmit, Arch: spec.DefaultArch}
		e.MPYFrom = "defaults"
		e.Dest = stem + ".mpy"
	}
	if i := matchBoard(d.align, e.Dest); i >= 0 {
		b := d.o.BoardAlign[i]
		e.Align, e.AlignBy, e.AlignFrom = b.To, plan.ByBoard, b.Rule(d.o.Board)+b.Reason()
		return e
	}
	if d.o.Layout == "openmv" {
		e.Align, e.AlignBy, e.AlignFrom = spec.OpenMVAlign, plan.ByLayout, "layout openmv"
	}
	return e
}

// lint gives each kind of warning once.
func (d *dirPlanner) lint() []plan.Warning {
	var out []plan.Warning
	count := map[code.LintCode]int{}
	found := lint.Entries(d.plan.Entries, lint.Tools{OpenMV: d.o.OpenMV, Layout: d.plan.Layout})
	for _, f := range append(found, lint.Private(d.plan.Entries)...) {
		if _, silent := slices.BinarySearch(d.plan.Allow, f.Code); silent {
			continue
		}
		if count[f.Code]++; count[f.Code] == 1 {
			out = append(out, plan.Warning{Code: f.Code, File: d.root, Message: f.Message, Remedy: f.Remedy})
		}
	}
	for i := range out {
		if n := count[out[i].Code]; n > 1 {
			out[i].Message += fmt.Sprintf(" (and %d more)", n-1)
		}
	}
	return out
}

func ioError(file string, err error) error {
	return strictyaml.Errors{{File: file, Code: code.IO, Message: "cannot be read: " + syserr.Reason(err).Error()}}
}
