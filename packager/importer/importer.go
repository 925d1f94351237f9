// Package importer turns what other tools read into manifests: OpenMV's
// romfs_config.json, MicroPython's manifest.py for frozen modules, packages of
// mip, and plain directories; and it writes a first one for a project.
//
// The manifest that comes out builds the image that the other tool would have
// made, and is written as a person would write it: patterns where they are
// exact, comments where something is not obvious. What a manifest cannot say is
// never dropped in silence; it is a [Note] of the [Result].
//
// Nothing that is imported is run, and no content is read but that of the
// configuration itself.
package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/smallfile"
	"rules_romfs/internal/syserr"
	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/pack"
)

// Options say what to import, and what the source does not say itself.
type Options struct {
	// Source is a directory, or a file whose name ends in .json (OpenMV's
	// configuration, or a package of mip) or .py (MicroPython's freeze manifest).
	Source string
	// Out is the path that the manifest is going to have: its paths are
	// relative to that directory. Empty: ./romfs.yaml.
	Out string

	Name      string // base name of the image; empty: guessed from the source
	Board     string // id or path of a board file; empty: guessed, or none
	Partition string // name or index; for OpenMV the one to import; empty: all

	Top   string // OpenMV's {TOP}; empty: guessed from where the configuration lies
	Build string // OpenMV's {BUILD}; empty: not known

	// Vars are the variables of paths in a manifest.py: "MPY_DIR" for
	// $(MPY_DIR).
	Vars map[string]string
	// Lib is the directory of micropython-lib, for require().
	Lib string

	// NoCheck leaves out the comparison of the manifest with what it should
	// say, which needs the sources to be there.
	NoCheck bool
}

// A Kind is what a source was taken for.
type Kind string

// The kinds of sources.
const (
	OpenMV    Kind = "openmv"    // romfs_config.json
	Freeze    Kind = "freeze"    // manifest.py
	Mip       Kind = "mip"       // package.json
	Directory Kind = "directory" // a plain tree
	Project   Kind = "project"   // a project's directory, for its first manifest
)

// A Result is a manifest that can be written.
type Result struct {
	Kind   Kind
	Text   []byte // of the manifest
	Images []Image
	Notes  []Note // what a person should know, in the order of the source
}

// An Image is one image that the manifest describes.
type Image struct {
	Partition string // empty where the source does not say
	Files     int    // that were found
	// Tools counts the files that need a converter, by its preset.
	Tools map[string]int
}

// A Note is something about the source that the manifest does not say, or says
// otherwise.
type Note struct {
	Code    string `json:"code"` // one of the Note constants
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`   // from 1; 0 for the file as a whole
	Column  int    `json:"column,omitempty"` // likewise
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

// Codes of notes. They are part of the interface: scripts may test for them.
const (
	NoteLost      = "lost"      // cannot be expressed, and is not in the manifest
	NoteDiffers   = "differs"   // is in the manifest, and behaves otherwise there
	NoteAlignment = "alignment" // less aligned than the board needs
	NoteSize      = "size"      // a size that disagrees with the board's
	NoteGuess     = "guess"     // what the source does not say was guessed
	NoteJunk      = "junk"      // in the manifest, and probably not meant to be
	NoteLeftOut   = "left-out"  // of a first manifest: not packed, and perhaps meant to be
	NoteAside     = "aside"     // of a first manifest: not packed, and hardly meant to be
)

// String formats a note in one line, as errors are.
func (n *Note) String() string {
	if n.File == "" {
		return strings.TrimSuffix(n.Message+"; "+n.Remedy, "; ")
	}
	return (&manifest.Error{File: n.File, Line: n.Line, Column: n.Column, Message: n.Message, Remedy: n.Remedy}).Error()
}

// An EmptyError says that nothing of a source could be expressed.
type EmptyError struct{ Source string }

func (e *EmptyError) Error() string {
	return fmt.Sprintf("%s: nothing in it can be expressed as a manifest, so none is written", e.Source)
}

// A MismatchError says that the manifest would not make what the source says:
// a defect of this package, found before the manifest is written.
type MismatchError struct{ Source, Difference string }

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: the manifest would not build the same image (%s); this is a defect of romfs: please report it with the source", e.Source, e.Difference)
}

// Import makes the manifest of a source. The result is there, with its notes,
// beside an [*EmptyError] too. Other errors are manifest.Errors, pack's of a
// board, a [*MismatchError], or the system's.
func Import(ctx context.Context, o Options) (*Result, error) {
	if o.Out == "" {
		o.Out = "romfs.yaml"
	}
	info, err := os.Stat(o.Source)
	if err != nil {
		return nil, sourceError(o.Source, err)
	}
	im := &importer{ctx: ctx, Options: o, res: &Result{}}
	if im.target, err = pack.NewTarget(o.Board, "", 0); err != nil {
		return nil, err
	}
	ext := strings.ToLower(filepath.Ext(o.Source))
	switch {
	case info.IsDir():
		im.res.Kind = Directory
		err = im.directory()
	case !info.Mode().IsRegular():
		err = manifest.Errors{{File: o.Source, Code: manifest.CodeIrregular, Message: "is neither a file nor a directory"}}
	case ext == ".json":
		err = im.json()
	case ext == ".py":
		im.res.Kind = Freeze
		err = im.freeze()
	default:
		err = manifest.Errors{{File: o.Source, Code: codeValue, Message: "is nothing that can be imported", Remedy: "name OpenMV's romfs_config.json, a package.json of mip, a manifest.py or a directory"}}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		if empty := (*EmptyError)(nil); errors.As(err, &empty) {
			return im.res, err
		}
		return nil, err
	}
	return im.res, nil
}

// An importer is one import on its way.
type importer struct {
	ctx context.Context
	Options
	target pack.Target
	res    *Result
	doc    doc
	base   string // absolute directory that sources are relative to: root
	looked int    // files and directories that paths and patterns led to
}

// maxLooked bounds what paths and patterns of a source may lead to, all
// together: far above any tree that somebody freezes or packs, and still a
// matter of seconds. Stars through links or a path such as / end there.
const maxLooked = 200_000

// look counts n more files or directories that were looked at, in dir last.
func (im *importer) look(n int, dir string) error {
	if im.ctx.Err() != nil {
		return context.Cause(im.ctx)
	}
	if im.looked += n; im.looked > maxLooked {
		return &lookError{dir}
	}
	return nil
}

// A lookError says that a source leads to more than anybody packs.
type lookError struct{ dir string }

func (e *lookError) Error() string {
	return fmt.Sprintf("more than %d files and directories looked at, in %s last: a pattern or path leads out of the tree, or through links again and again", maxLooked, shown(e.dir))
}

// json imports a JSON file, by what is in it.
func (im *importer) json() error {
	data, err := readSource(im.Source)
	if err != nil {
		return err
	}
	doc, err := parseJSON(data, im.Source)
	if err != nil {
		return err
	}
	if isMip(doc) {
		im.res.Kind = Mip
		return im.mip(doc)
	}
	im.res.Kind = OpenMV
	return im.openmv(doc)
}

// shown is a path as messages have it: from where romfs was run, if that is the
// shorter way to say it.
func shown(path string) string {
	here, err := realAbs(".")
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

func (im *importer) note(n Note) {
	for _, have := range im.res.Notes {
		if have == n {
			return
		}
	}
	im.res.Notes = append(im.res.Notes, n)
}

// noteAt is a note about a value of a JSON file.
func (im *importer) noteAt(n *node, code, remedy, format string, args ...any) {
	line, column := n.doc.pos(n.offset)
	im.note(Note{code, n.doc.file, line, column, fmt.Sprintf(format, args...), remedy})
}

func sourceError(path string, err error) error {
	return manifest.Errors{{File: path, Code: manifest.CodeIO, Message: "cannot be read: " + syserr.Reason(err).Error()}}
}

// readSource reads a configuration, which is small. It waits for no writer of a
// FIFO.
func readSource(path string) ([]byte, error) {
	data, _, err := smallfile.Read(path, maxSource)
	switch {
	case errors.Is(err, smallfile.ErrLarge):
		return nil, manifest.Errors{{File: path, Code: manifest.CodeLimit, Message: fmt.Sprintf("more than %d bytes: no configuration that somebody wrote", maxSource)}}
	case err != nil:
		return nil, sourceError(path, err)
	}
	return data, nil
}

// setBoard names the board in the manifest: a file relative to it.
func (im *importer) setBoard() error {
	if im.doc.board = im.Board; !board.IsPath(im.Board) {
		return nil
	}
	rel, err := im.relative(im.Board)
	if err != nil {
		return err
	}
	if !strings.Contains(rel, "/") { // or it would be an id
		rel = "./" + rel
	}
	im.doc.board = rel
	return nil
}

// setRoot makes base the directory that sources are relative to.
func (im *importer) setRoot(base string) error {
	im.base = base
	rel, err := im.relative(base)
	im.doc.root = rel
	return err
}

// relative writes a path relative to the directory of the manifest.
func (im *importer) relative(path string) (string, error) {
	out, err := realAbs(filepath.Dir(im.Out))
	if err != nil {
		return "", sourceError(filepath.Dir(im.Out), err)
	}
	path, err = realAbs(path)
	if err != nil {
		return "", sourceError(path, err)
	}
	rel, err := filepath.Rel(out, path)
	if err != nil { // another drive of Windows
		return "", manifest.Errors{{File: path, Code: manifest.CodeEscape, Message: "cannot be reached from where the manifest goes", Remedy: "write the manifest to the same drive with -o"}}
	}
	return filepath.ToSlash(rel), nil
}

// realAbs is the absolute path without symbolic links, so that ".." in what
// is made from it means what it says. What does not exist keeps its name below
// what does.
func realAbs(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err == nil {
		return real, nil
	}
	if dir := filepath.Dir(abs); errors.Is(err, fs.ErrNotExist) && dir != abs {
		if dir, err = realAbs(dir); err != nil {
			return "", err
		}
		return filepath.Join(dir, filepath.Base(abs)), nil
	}
	return "", err
}

// realPaths are the real paths of directories: to resolve each component of each
// file's path would take most of an import's time.
type realPaths map[string]string

// file is realAbs for one of many files.
func (r realPaths) file(path string) (string, error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return realAbs(path)
	}
	dir := filepath.Dir(path)
	if r[dir] == "" {
		real, err := realAbs(dir)
		if err != nil {
			return "", err
		}
		r[dir] = real
	}
	return filepath.Join(r[dir], filepath.Base(path)), nil
}

var notInNames = lazyregexp.New(`[^A-Za-z0-9._-]+`)

// setName names the image: as asked for, else from guess.
func (im *importer) setName(guess string) {
	if im.doc.name = im.Name; im.Name == "" {
		im.doc.name = cmp.Or(strings.Trim(notInNames().ReplaceAllString(guess, "-"), "-._"), "app")
		if len(im.doc.name) > 100 {
			im.doc.name = im.doc.name[:100]
		}
	}
}

// A wanted file is what the manifest has to make of one file.
type wanted struct {
	dest      string // before compiling
	path      string // absolute
	align     int64  // 0: do not compare
	compile   bool
	optimize  int
	transform string // preset
}

// finish writes the manifest and, unless that is switched off, loads it again
// and compares what it would build with what is wanted. For each image, ordered
// tells whether the order counts.
func (im *importer) finish(want [][]wanted, ordered bool) error {
	im.res.Text = im.doc.text()
	m, err := manifest.Parse(im.res.Text, im.Out)
	if err != nil {
		return err
	}
	if im.NoCheck {
		return nil
	}
	for i, part := range m.Images() {
		target, err := pack.ManifestTarget(part, "", "", 0)
		if err != nil {
			return err
		}
		plan, _, err := manifest.Resolve(im.ctx, part, nil, target.ResolveOptions())
		if err != nil {
			return err
		}
		if err := compare(plan, want[i], ordered); err != nil {
			return &MismatchError{im.Source, err.Error()}
		}
	}
	return nil
}

// compare reports the first difference between a plan and what it should be.
func compare(plan *manifest.Plan, want []wanted, ordered bool) error {
	var got []wanted
	real := realPaths{}
	for e := range plan.Files() {
		path, err := real.file(e.Path)
		if err != nil {
			return err
		}
		g := wanted{dest: e.Dest, path: path, align: e.Align, compile: e.MPY != nil}
		if e.Transform != nil {
			g.transform = e.Transform.Preset
		}
		if e.MPY != nil {
			g.optimize = e.MPY.Optimize
			g.dest = strings.TrimSuffix(e.Dest, ".mpy") + ".py"
		}
		got = append(got, g)
	}
	want = slices.Clone(want)
	if !ordered {
		byDest := func(a, b wanted) int { return cmp.Compare(a.dest, b.dest) }
		slices.SortStableFunc(got, byDest)
		slices.SortStableFunc(want, byDest)
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Errorf("%q is missing", want[i].dest)
		case i >= len(want):
			return fmt.Errorf("%q is too much", got[i].dest)
		}
		g, w := got[i], want[i]
		if w.align == 0 {
			g.align = 0
		}
		if w.path, _ = real.file(w.path); g != w {
			return fmt.Errorf("%q comes as %+v and not as %+v", w.dest, g, w)
		}
	}
	return nil
}

// boardAlign is what the board's profile wants for a destination; 0: nothing.
func (im *importer) boardAlign(dest string) int64 {
	if r := im.target.Board.AlignRule(dest); r != nil {
		return r.To
	}
	return 0
}
