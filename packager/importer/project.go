package importer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/slashpath"
	"rules_romfs/manifest"
	"rules_romfs/packager/pack"
)

// ProjectOptions say what a first manifest is for.
type ProjectOptions struct {
	Dir   string
	Out   string // path of the manifest, in Dir
	Name  string // base name of the image; empty: the directory's
	Board string // that the manifest names; empty: none
}

// NewProject makes a first manifest for what is in a project's directory: its
// Python modules and what they read. What else lies there is not packed, and
// each of these files is in a note that says why.
func NewProject(ctx context.Context, o ProjectOptions) (*Result, error) {
	info, err := os.Stat(o.Dir)
	switch {
	case err != nil:
		return nil, sourceError(o.Dir, err)
	case !info.IsDir():
		return nil, manifest.Errors{{File: o.Dir, Code: manifest.CodeIO, Message: "is no directory"}}
	}
	im := &importer{ctx: ctx, Options: Options{Source: o.Dir, Out: o.Out, Name: o.Name, Board: o.Board}, res: &Result{Kind: Project}}
	if im.base, err = realAbs(o.Dir); err != nil {
		return nil, sourceError(o.Dir, err)
	}
	if im.target, err = pack.NewTarget(o.Board, "", 0); err != nil {
		return nil, err
	}
	im.setName(filepath.Base(im.base))
	p := &project{im: im, left: map[string]leftOut{}, words: map[string]bool{}, imported: map[string]bool{}, dirs: map[string]bool{}}
	if err := p.walk(""); err != nil {
		return nil, err
	}
	p.findRoots()
	p.sortOut()
	if err := p.write(); err != nil {
		return nil, err
	}
	return im.res, nil
}

// A project is a directory on its way to its first manifest.
type project struct {
	im    *importer
	files []projectFile
	left  map[string]leftOut // directories and links that were not looked into
	roots []projectRoot

	// What the modules that are packed say: their words, the names that they
	// import, and the directories that they lie in.
	words, imported, dirs map[string]bool
	native                *native // the first function with machine code
}

// A projectFile is one file of a project.
type projectFile struct {
	name   string // slash path below the directory
	module bool   // .py or .mpy
	root   int    // index in roots; none: outside of them
	pack   bool
	leftOut
}

// none is the root of what lies outside of them.
const none = -1

// A leftOut says why a file is not packed, or a directory not looked into.
type leftOut struct {
	why  string
	lost bool // it may be missed on the board
}

// A projectRoot is a directory that modules are imported from.
type projectRoot struct{ dir, dest string }

// walk lists what is below dir. Links to directories are not followed.
func (p *project) walk(dir string) error {
	entries, err := os.ReadDir(filepath.Join(p.im.base, filepath.FromSlash(dir)))
	if err != nil {
		return sourceError(filepath.Join(p.im.Source, filepath.FromSlash(dir)), err)
	}
	var many *lookError
	if err := p.im.look(len(entries), dir); errors.As(err, &many) {
		return manifest.Errors{{File: p.im.Source, Code: manifest.CodeLimit, Message: err.Error()}}
	} else if err != nil {
		return err
	}
	for _, e := range entries {
		name := slashpath.Join(dir, e.Name())
		info, err := os.Stat(filepath.Join(p.im.base, filepath.FromSlash(name)))
		link := e.Type()&fs.ModeSymlink != 0
		switch {
		case err != nil:
			p.left[name] = leftOut{"a link that leads nowhere", true}
		case link && info.IsDir():
			p.left[name+"/"] = leftOut{"a link to a directory, and patterns do not follow these", true}
		case info.IsDir():
			if why := p.skip(name); why != "" {
				p.left[name+"/"] = leftOut{why, false}
			} else if err := p.walk(name); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			ext := path.Ext(name)
			p.files = append(p.files, projectFile{name: name, module: (ext == ".py" || ext == ".mpy") && path.Base(name) != ext, root: none})
		default:
			p.left[name] = leftOut{"no file that can be packed", false}
		}
	}
	return nil
}

// skip says why a directory is not looked into, or "".
func (p *project) skip(dir string) string {
	base := path.Base(dir)
	switch {
	case isFile(filepath.Join(p.im.base, filepath.FromSlash(dir), "pyvenv.cfg")):
		return "a virtual environment of Python"
	case manifest.LeftOut(base) != "":
		return "on the junk list"
	case strings.HasPrefix(base, "."):
		return "hidden"
	case base == "node_modules" || strings.HasSuffix(base, ".egg-info"):
		return "made by a package manager"
	}
	return ""
}

// findRoots decides where modules are imported from: src/ if there are some, and
// lib/ beside it; else the directory itself.
func (p *project) findRoots() {
	has := func(dir string) bool {
		return slices.ContainsFunc(p.files, func(f projectFile) bool {
			return f.module && strings.HasPrefix(f.name, dir+"/") && testOf(f.name) == ""
		})
	}
	if !has("src") {
		p.roots = []projectRoot{{"", ""}}
		return
	}
	p.roots = []projectRoot{{"src", ""}}
	if has("lib") {
		p.roots = append(p.roots, projectRoot{"lib", "lib/"})
	}
}

// hostFiles are modules that are for the machine that builds, not for boards.
var hostFiles = []string{"setup.py", "conftest.py", "noxfile.py", "manifest.py", "fabfile.py"}

// testOf says why a module is taken for a test, or "".
func testOf(name string) string {
	base := path.Base(name)
	switch {
	case strings.HasSuffix(base, "_test.py") || strings.HasPrefix(base, "test_") && strings.HasSuffix(base, ".py"):
		return "a test, by its name"
	case slices.ContainsFunc(strings.Split(slashpath.Parent(name), "/"), func(dir string) bool { return dir == "test" || dir == "tests" }):
		return "in a directory of tests"
	}
	return ""
}

// sortOut decides of each file whether it is packed.
func (p *project) sortOut() {
	there := map[string]bool{}
	for i := range p.files {
		f := &p.files[i]
		there[f.name] = true
		for j, root := range p.roots {
			if root.dir == "" || strings.HasPrefix(f.name, root.dir+"/") {
				f.root = j
			}
		}
	}
	for i := range p.files {
		if f := &p.files[i]; f.module {
			source, compiled := strings.CutSuffix(f.name, ".mpy")
			f.leftOut = p.module(f.name, f.root)
			if compiled && there[source+".py"] {
				f.leftOut = leftOut{"its .py is there too, and is compiled", false}
			}
			p.decide(f)
		}
	}
	for i := range p.files { // self_test.py, which something imports, is part of the program
		f := &p.files[i]
		if f.module && f.root != none && testOf(f.name) != "" && p.imported[strings.TrimSuffix(path.Base(f.name), path.Ext(f.name))] {
			f.leftOut = leftOut{}
			p.decide(f)
		}
	}
	for i := range p.files {
		if f := &p.files[i]; !f.module {
			f.leftOut = p.data(f.name, f.root)
			p.decide(f)
		}
	}
}

// decide packs what nothing is said against.
func (p *project) decide(f *projectFile) {
	if f.pack = f.why == ""; !f.pack || !f.module {
		return
	}
	p.dirs[slashpath.Parent(f.name)] = true
	text := p.read(f.name)
	if p.native == nil {
		p.native = findNative([]byte(text), f.name)
	}
	for _, name := range imports(text) {
		p.imported[name] = true
	}
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune("\"'/ \t\r\n()[]{},", c) }) {
		p.words[word] = true
	}
}

// module says why a module is not packed, if it is not.
func (p *project) module(name string, root int) leftOut {
	base := path.Base(name)
	test := testOf(name)
	switch {
	case manifest.LeftOut(base) != "":
		return leftOut{"on " + manifest.LeftOut(base), false}
	case strings.HasPrefix(base, "."):
		return leftOut{"hidden", false}
	case slices.Contains(hostFiles, name):
		return leftOut{"for the machine that builds", false}
	case root == none:
		return leftOut{"outside of " + p.rootNames() + ", where modules are imported from", true}
	case test != "":
		return leftOut{test + ", and no module that is packed imports it", true}
	}
	return leftOut{}
}

func (p *project) rootNames() string {
	var names []string
	for _, r := range p.roots {
		names = append(names, r.dir+"/")
	}
	return strings.Join(names, " and ")
}

// read returns what a module says; of one that is compiled, nothing.
func (p *project) read(name string) string {
	if path.Ext(name) != ".py" {
		return ""
	}
	return string(readModule(filepath.Join(p.im.base, filepath.FromSlash(name))))
}

var (
	importStatement = lazyregexp.New(`(?m)^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+([\w., \t(*)]+)`)
	identifier      = lazyregexp.New(`\w+`)
)

// imports returns the parts of the names that a module imports.
func imports(text string) []string {
	var names []string
	for _, m := range importStatement().FindAllStringSubmatch(text, -1) {
		names = append(names, identifier().FindAllString(m[1]+" "+m[2], -1)...)
	}
	return names
}

// data says why a file that is no module is not packed, if no module is likely to
// read it.
func (p *project) data(name string, root int) leftOut {
	base := path.Base(name)
	switch {
	case manifest.LeftOut(base) != "":
		return leftOut{"on " + manifest.LeftOut(base), !strings.Contains(manifest.LeftOut(base), "junk")}
	case name == filepath.Base(p.im.Out):
		return leftOut{"the manifest itself", false}
	case strings.HasPrefix(base, "."):
		return leftOut{"hidden", false}
	case p.words[base]:
		return leftOut{}
	case forPeople(name):
		return leftOut{"for people and tools, by its name", false}
	case testOf(name) != "":
		return leftOut{testOf(name), false}
	case root != none && (p.roots[root].dir != "" || p.inPackage(name)):
		return leftOut{}
	}
	return leftOut{"data that no module names", true}
}

// forPeople reports whether a name is of what is written for people and tools, or
// made by romfs.
func forPeople(name string) bool {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".md", ".rst", ".pyi", ".toml", ".cfg", ".ini", ".lock", ".romfs":
		return true
	case "": // LICENSE, Makefile
		return base == name
	}
	return strings.HasSuffix(base, ".romfs.json")
}

// inPackage reports whether a file lies in a directory of modules, or below one;
// the project itself is none.
func (p *project) inPackage(name string) bool {
	for dir := slashpath.Parent(name); dir != ""; dir = slashpath.Parent(dir) {
		if p.dirs[dir] {
			return true
		}
	}
	return false
}
