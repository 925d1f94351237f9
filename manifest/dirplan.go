package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rules_romfs/manifest/strictyaml"
)

// DirOptions are the settings of a build from a plain directory.
type DirOptions struct {
	Name      string // base name of the artifact; empty for the directory's
	Board     string
	Partition string
	Layout    string // empty for compact
	Compile   bool   // whether .py files are compiled; boot.py and main.py of the root never are
	// Outputs are the paths that the build will write; one inside the
	// directory is an error.
	Outputs []string
	Allow   []LintCode
}

// DirPlan returns the plan of a plain directory, as mpremote's romfs build
// takes it: everything in it, hidden files and empty directories too, with
// symbolic links followed. There is no junk list and nothing is left out.
func DirPlan(dir string, o DirOptions) (*Plan, []Warning, error) {
	if o.Name == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, nil, ioError(dir, err)
		}
		o.Name = filepath.Base(abs)
	}
	if o.Layout == "" {
		o.Layout = "compact"
	}
	d := &dirPlanner{root: dir, o: o, plan: &Plan{Name: o.Name, Board: o.Board, Partition: o.Partition, Layout: o.Layout, Allow: o.Allow}}
	fi, err := os.Stat(dir)
	if err != nil {
		return nil, nil, ioError(dir, err)
	}
	if !fi.IsDir() {
		return nil, nil, Errors{{File: dir, Code: CodeIO, Message: "is no directory"}}
	}
	d.walk("", []os.FileInfo{fi})
	if err := d.errs.Err(); err != nil {
		return nil, nil, err
	}
	return d.plan, nil, nil
}

type dirPlanner struct {
	root string
	o    DirOptions
	plan *Plan
	errs Errors
}

func (d *dirPlanner) add(name, code, remedy, format string, args ...any) {
	d.errs = append(d.errs, &Error{File: filepath.Join(d.root, filepath.FromSlash(name)), Code: code, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// walk adds the contents of dir. parents are the directories from the root
// to it, to find links that lead back up.
func (d *dirPlanner) walk(dir string, parents []os.FileInfo) {
	entries, err := os.ReadDir(filepath.Join(d.root, filepath.FromSlash(dir)))
	if err != nil {
		d.add(dir, CodeIO, "", "cannot be read: %s", plain(err))
		return
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	for _, de := range entries {
		name := join(dir, de.Name())
		if why := badName(de.Name()); why != "" {
			d.add(name, CodeName, "rename it", "%s cannot be packed: %s", strictyaml.Quote(name), why)
			continue
		}
		full := filepath.Join(d.root, filepath.FromSlash(name))
		mode := de.Type()
		var fi os.FileInfo
		if mode&fs.ModeSymlink != 0 || mode.IsDir() {
			if fi, err = os.Stat(full); err != nil {
				switch {
				case isLoop(err):
					d.add(name, CodeIrregular, "remove it", "the symbolic link leads back to itself")
				case errors.Is(err, fs.ErrNotExist):
					d.add(name, CodeIrregular, "remove it", "the symbolic link is broken")
				default:
					d.add(name, CodeIO, "", "cannot be read: %s", plain(err))
				}
				continue
			}
			mode = fi.Mode()
		}
		e := Entry{Dest: name, Source: name, Rule: "directory", Align: 1}
		switch {
		case mode.IsDir():
			loop := false
			for _, p := range parents {
				loop = loop || os.SameFile(p, fi)
			}
			if loop {
				d.add(name, CodeIrregular, "remove it", "the symbolic link leads to a directory that holds it")
				continue
			}
			e.Kind = Dir
			d.plan.Entries = append(d.plan.Entries, e)
			d.walk(name, append(parents, fi))
			continue
		case !mode.IsRegular():
			d.add(name, CodeIrregular, "remove it", "it is a FIFO, socket or device, and cannot be packed")
			continue
		}
		e.Path = full
		stem, isPy := strings.CutSuffix(name, ".py")
		switch {
		case !isPy || de.Name() == ".py":
		case !d.o.Compile:
			e.MPYFrom = "compiling is switched off"
		case name == "boot.py" || name == "main.py":
			e.MPYFrom = "keep_source: " + name
		case names[de.Name()[:len(de.Name())-3]+".mpy"]:
			e.MPYFrom = "the .mpy of this module is there too"
		default:
			e.MPY = &MPYOptions{SourceName: name, Emit: "bytecode", Arch: "none"}
			e.MPYFrom = "defaults"
			e.Dest = stem + ".mpy"
		}
		if d.o.Layout == "openmv" {
			e.Align, e.AlignFrom = 4, "layout openmv"
		}
		d.plan.Entries = append(d.plan.Entries, e)
	}
}
