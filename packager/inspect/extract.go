package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/internal/fold"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// ExtractOptions say what is extracted where.
type ExtractOptions struct {
	Dir      string   // to write into; made if it is not there
	Paths    []string // files and directories of the image; none: all
	Force    bool     // replace files that are there already
	Reporter report.Reporter
}

// An Extraction is what was written.
type Extraction struct {
	Dir   string `json:"dir"`
	Files int    `json:"files"`
	Dirs  int    `json:"dirs"`
	Bytes int64  `json:"bytes"`
}

// Extract writes files of an image into a directory. Everything is checked
// before the first one: that nothing leaves the directory, that its file system
// can hold the names and tell them apart, and that no damage of the image hides
// a part of what is wanted. When it fails it removes what it wrote, but does not
// bring back what Force has replaced.
func Extract(ctx context.Context, im *Image, o ExtractOptions) (*Extraction, error) {
	x := &extractor{im: im, o: o, chosen: map[string]int64{}, swept: map[string]bool{}}
	if err := x.choose(); err != nil {
		return nil, err
	}
	if err := x.run(ctx); err != nil {
		return nil, err
	}
	return &x.result, nil
}

// An extractor writes entries of one image below one directory.
type extractor struct {
	im      *Image
	o       ExtractOptions
	entries []*romfs.Entry   // in image order: directories before what is in them
	chosen  map[string]int64 // their paths, with the offsets of their records
	root    *os.Root
	made    []string        // what was created, in order
	swept   map[string]bool // directories in which leftovers were looked for
	result  Extraction
}

// choose collects the entries below the paths, and refuses the image if one of
// them has no safe place on disk.
func (x *extractor) choose() error {
	paths := x.o.Paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for _, p := range paths {
		p = CleanPath(p)
		entries, err := x.im.entries(p)
		damage := x.im.Damage(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &InputError{fmt.Errorf("%w; `romfs ls %s` shows what is there", err, x.im.Name)}
		case err != nil && entries == nil:
			return err
		case err != nil && damage != nil: // else it is damaged elsewhere
			return fmt.Errorf("%w, and nothing was extracted", err)
		}
		for _, e := range entries {
			if err := x.take(e); err != nil {
				return err
			}
		}
		if damage != nil {
			return fmt.Errorf("%w; nothing was extracted: name the PATHs of what is whole", damage)
		}
	}
	return nil
}

// take adds an entry, unless another PATH has done so.
func (x *extractor) take(e *romfs.Entry) error {
	name := e.Path()
	record, ok := x.chosen[name]
	switch {
	case ok && record == e.RecordOffset:
		return nil
	case ok:
		return x.refuse(e, "two entries have this name")
	}
	if err := x.check(e, name); err != nil {
		return err
	}
	x.chosen[name] = e.RecordOffset
	x.entries = append(x.entries, e)
	return nil
}

func (x *extractor) refuse(e *romfs.Entry, why string) error {
	return x.im.imageErrorf("%s: %s; nothing was extracted (`romfs cat` prints single files)", report.Name(e.Path()), why)
}

// check refuses a name that has no place below the directory.
func (x *extractor) check(e *romfs.Entry, name string) error {
	switch {
	case e.Err != nil:
		return x.refuse(e, e.Err.Error())
	case romfs.CheckName(e.Name) != nil:
		return x.refuse(e, romfs.CheckName(e.Name).Error())
	case !fs.ValidPath(name) && utf8.ValidString(name), !filepath.IsLocal(filepath.FromSlash(name)):
		return x.refuse(e, "this is no name for a file on this system")
	case strings.ContainsRune(e.Name, filepath.Separator), filepath.Separator == '\\' && strings.ContainsAny(e.Name, `<>:"|?*`):
		return x.refuse(e, "this system allows no such name")
	}
	return nil
}

// run writes everything, or nothing.
func (x *extractor) run(ctx context.Context) (err error) {
	_, statErr := os.Stat(x.o.Dir)
	if err := os.MkdirAll(x.o.Dir, 0o777); err != nil {
		return &pack.OutputError{Path: x.o.Dir, Err: err}
	}
	if x.root, err = os.OpenRoot(x.o.Dir); err != nil {
		return &pack.OutputError{Path: x.o.Dir, Err: err}
	}
	defer func() {
		if err != nil {
			for _, name := range slices.Backward(x.made) {
				x.root.Remove(name) // a directory that was filled by others stays
			}
		}
		x.root.Close()
		if err != nil && errors.Is(statErr, fs.ErrNotExist) {
			os.Remove(x.o.Dir)
		}
	}()
	if err := x.collisions(); err != nil {
		return err
	}
	var total int64
	for _, e := range x.entries {
		if !e.Dir {
			total += e.Size
		}
	}
	task := x.o.Reporter.Task("extract", total, report.Bytes)
	for _, e := range x.entries {
		if err := x.write(ctx, e, task); err != nil {
			task.Fail(err)
			return err
		}
	}
	task.Done()
	x.result.Dir = x.o.Dir
	return nil
}

// collisions finds names that the target's file system would take for one.
func (x *extractor) collisions() error {
	folds, err := foldingOf(x.root)
	if err != nil {
		return &pack.OutputError{Path: x.root.Name(), Err: err}
	}
	return x.twins(folds)
}

// twins returns the error for the first two entries whose paths are one to the
// file system.
func (x *extractor) twins(f fold.Folding) error {
	if !f.Case && !f.Normalization {
		return nil
	}
	seen := map[string]string{}
	for _, e := range x.entries {
		name := e.Path()
		folded := f.Name(name)
		if first, ok := seen[folded]; ok {
			return x.refuse(e, fmt.Sprintf("%s differs from it only in %s, which this file system ignores", report.Name(first), difference(first, name)))
		}
		seen[folded] = name
	}
	return nil
}

func (x *extractor) fail(name string, err error) error {
	return &pack.OutputError{Path: filepath.Join(x.o.Dir, name), Err: err}
}

// write writes one entry.
func (x *extractor) write(ctx context.Context, e *romfs.Entry, task report.Task) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	name := filepath.FromSlash(e.Path())
	if e.Dir {
		x.result.Dirs++
		return x.mkdir(name)
	}
	if up := filepath.Dir(name); up != "." { // PATH named this file alone
		if err := x.mkdirAll(up); err != nil {
			return err
		}
	}
	switch info, err := x.root.Lstat(name); {
	case err != nil: // there is none
	case info.IsDir():
		return x.fail(name, errors.New("it is there already, and is a directory"))
	case x.o.Force:
		return x.replace(ctx, name, e, task)
	}
	f, err := x.create(name)
	if errors.Is(err, fs.ErrExist) {
		return x.fail(name, errors.New("it is there already; say --force to replace it, or -o another directory"))
	}
	if err != nil {
		return x.fail(name, err)
	}
	return x.fill(ctx, f, name, e, task)
}

// replace writes an entry in place of a file that is there, which stays until
// the new one is complete.
func (x *extractor) replace(ctx context.Context, name string, e *romfs.Entry, task report.Task) error {
	dir := filepath.Dir(name)
	if !x.swept[dir] {
		atomicfile.Sweep(filepath.Join(x.o.Dir, dir))
		x.swept[dir] = true
	}
	for {
		temporary := filepath.Join(dir, atomicfile.Temporary())
		f, err := x.create(temporary)
		if err != nil {
			return x.fail(name, err)
		}
		release, ok := atomicfile.Hold(f)
		if !ok { // another run has just swept it
			f.Close()
			continue
		}
		defer release()
		if err := x.fill(ctx, f, name, e, task); err != nil {
			return err
		}
		if err := x.root.Rename(temporary, name); err != nil {
			return x.fail(name, err)
		}
		x.made = x.made[:len(x.made)-1] // what replaced a file is not taken away again
		return nil
	}
}

func (x *extractor) create(name string) (*os.File, error) {
	f, err := x.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err == nil {
		x.made = append(x.made, name)
	}
	return f, err
}

// fill writes an entry's content to f and closes it; name is for errors.
func (x *extractor) fill(ctx context.Context, f *os.File, name string, e *romfs.Entry, task report.Task) error {
	_, err := io.Copy(f, ctxReader{ctx, io.TeeReader(x.im.Section(e), report.Writer(task))})
	err = errors.Join(err, f.Close())
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return x.fail(name, err)
	}
	x.result.Files++
	x.result.Bytes += e.Size
	return nil
}

func (x *extractor) mkdirAll(dir string) error {
	if up := filepath.Dir(dir); up != "." {
		if err := x.mkdirAll(up); err != nil {
			return err
		}
	}
	return x.mkdir(dir)
}

func (x *extractor) mkdir(name string) error {
	switch err := x.root.Mkdir(name, 0o777); {
	case err == nil:
		x.made = append(x.made, name)
	case errors.Is(err, fs.ErrExist):
		if info, err := x.root.Stat(name); err != nil || !info.IsDir() {
			return x.fail(name, errors.New("it is there already, and is no directory"))
		}
	default:
		return x.fail(name, err)
	}
	return nil
}

// CleanPath takes a path in an image as people write it: "/lib/" as well as
// "lib"; "." is the root.
func CleanPath(path string) string {
	path = strings.Trim(path, "/")
	if path == "" {
		return "."
	}
	return path
}
