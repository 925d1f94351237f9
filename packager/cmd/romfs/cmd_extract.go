package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

type extractResult struct {
	Dir   string `json:"dir"`
	Files int    `json:"files"`
	Dirs  int    `json:"dirs"`
	Bytes int64  `json:"bytes"`
}

func newExtractCmd(a *app) *cobra.Command {
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "extract IMAGE [PATH...]",
		Short: "Unpack an image into a directory",
		Long: `Write the files of an image, or those that PATHs name, into a directory:
by default one beside you that is named as the image. IMAGE may be "-" for
stdin.

Everything is checked before the first file is written: nothing leaves the
directory, also through links in it; a file that is there already is kept
unless you say --force; and names that this file system cannot tell apart or
cannot store are an error. An extraction that fails removes what it wrote, but
does not bring back what --force has replaced.`,
		Example: `  romfs extract app.romfs
  romfs extract app.romfs lib config.json -o unpacked
  romfs pull - | romfs extract - -o backup`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			if out == "" {
				if in.path == "" {
					return &usageError{"an image from stdin has no name; say where to extract it: -o DIR"}
				}
				base := filepath.Base(in.path)
				if out = strings.TrimSuffix(base, filepath.Ext(base)); out == base {
					out += ".files"
				}
			}
			x := &extractor{input: in, dir: out, force: force}
			if err := x.choose(args[1:]); err != nil {
				return err
			}
			if err := x.run(cmd.Context(), a.reporter); err != nil {
				return err
			}
			return a.result(x.result, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: %s, %s\n", out, report.Plural(int64(x.result.Files), "file"), report.Size(x.result.Bytes))
				return err
			})
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "extract into `dir` (default: the image's name without its extension)")
	cmd.Flags().BoolVar(&force, "force", false, "replace files that are there already")
	return cmd
}

// An extractor writes entries of one image below one directory.
type extractor struct {
	*input
	dir     string
	force   bool
	entries []*romfs.Entry // in image order: directories before what is in them
	made    []string       // what was created, in order
	result  extractResult
}

// choose collects the entries below the paths, all without any, and refuses
// the image if one of them has no safe place on disk.
func (x *extractor) choose(paths []string) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	seen := map[*romfs.Entry]bool{}
	names := map[string]bool{}
	for _, p := range paths {
		entries, err := x.input.entries(cleanPath(p))
		if errors.Is(err, fs.ErrNotExist) {
			err = &inputError{fmt.Errorf("%w; `romfs ls %s` shows what is there", err, x.name)}
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := e.Path()
			if names[name] && !seen[e] {
				if slices.ContainsFunc(x.entries, func(o *romfs.Entry) bool { return o.Path() == name && o.RecordOffset == e.RecordOffset }) {
					continue // named by two PATHs
				}
				return x.refuse(e, "two entries have this name")
			}
			if err := x.check(e, name); err != nil {
				return err
			}
			names[name], seen[e] = true, true
			x.entries = append(x.entries, e)
		}
	}
	return nil
}

func (x *extractor) refuse(e *romfs.Entry, why string) error {
	return &imageError{fmt.Errorf("%s: %s: %s; nothing was extracted (`romfs cat` prints single files)", x.name, display(e.Path()), why)}
}

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
func (x *extractor) run(ctx context.Context, reporter report.Reporter) (err error) {
	_, statErr := os.Stat(x.dir)
	if err := os.MkdirAll(x.dir, 0o777); err != nil {
		return &pack.OutputError{Path: x.dir, Err: err}
	}
	root, err := os.OpenRoot(x.dir)
	if err != nil {
		return &pack.OutputError{Path: x.dir, Err: err}
	}
	defer func() {
		if err != nil {
			for _, name := range slices.Backward(x.made) {
				root.Remove(name) // a directory that was filled by others stays
			}
		}
		root.Close()
		if err != nil && errors.Is(statErr, fs.ErrNotExist) {
			os.Remove(x.dir)
		}
	}()
	if err := x.collisions(root); err != nil {
		return err
	}
	var total int64
	for _, e := range x.entries {
		if !e.Dir {
			total += e.Size
		}
	}
	task := reporter.Task("extract", total, report.Bytes)
	for _, e := range x.entries {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else {
			err = x.write(root, e, task)
		}
		if err != nil {
			task.Fail(err)
			return err
		}
	}
	task.Done()
	x.result.Dir = x.dir
	return nil
}

// collisions finds names that differ only in case where the target's file
// system would take them for one.
func (x *extractor) collisions(root *os.Root) error {
	folds, err := foldsCase(root)
	if err != nil || !folds {
		return err
	}
	return x.foldCollision()
}

// foldsCase asks the file system itself.
func foldsCase(root *os.Root) (bool, error) {
	const probe, other = ".romfs-case-probe", ".ROMFS-CASE-PROBE"
	f, err := root.OpenFile(probe, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return false, &pack.OutputError{Path: root.Name(), Err: err}
	}
	f.Close()
	defer root.Remove(probe)
	_, err = root.Lstat(other)
	return err == nil, nil
}

// foldCollision returns the error for the first two entries whose paths differ
// only in case.
func (x *extractor) foldCollision() error {
	seen := map[string]string{}
	for _, e := range x.entries {
		name := e.Path()
		folded := strings.ToLower(strings.ToUpper(name))
		if first, ok := seen[folded]; ok {
			return x.refuse(e, fmt.Sprintf("%s differs from it only in case, which this file system ignores", display(first)))
		}
		seen[folded] = name
	}
	return nil
}

func (x *extractor) write(root *os.Root, e *romfs.Entry, task report.Task) error {
	name := filepath.FromSlash(e.Path())
	fail := func(err error) error { return &pack.OutputError{Path: filepath.Join(x.dir, name), Err: err} }
	if e.Dir {
		x.result.Dirs++
		return x.mkdir(root, name, fail)
	}
	if up := filepath.Dir(name); up != "." { // PATH named this file alone
		if err := x.mkdirAll(root, up, fail); err != nil {
			return err
		}
	}
	// A file that is to be replaced stays until the new one is complete.
	target := name
	switch info, err := root.Lstat(name); {
	case err != nil: // there is none
	case info.IsDir():
		return fail(errors.New("it is there already, and is a directory"))
	case x.force:
		name = filepath.Join(filepath.Dir(name), ".romfs-"+rand.Text()[:12])
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fail(errors.New("it is there already; say --force to replace it, or -o another directory"))
	}
	if err != nil {
		return fail(err)
	}
	x.made = append(x.made, name)
	_, err = io.Copy(f, io.TeeReader(x.Section(e), report.Writer(task)))
	if err = errors.Join(err, f.Close()); err != nil {
		return fail(err)
	}
	if name != target {
		if err := root.Rename(name, target); err != nil {
			return fail(err)
		}
		x.made = x.made[:len(x.made)-1] // what replaced a file is not taken away again
	}
	x.result.Files++
	x.result.Bytes += e.Size
	return nil
}

func (x *extractor) mkdirAll(root *os.Root, dir string, fail func(error) error) error {
	if up := filepath.Dir(dir); up != "." {
		if err := x.mkdirAll(root, up, fail); err != nil {
			return err
		}
	}
	return x.mkdir(root, dir, fail)
}

func (x *extractor) mkdir(root *os.Root, name string, fail func(error) error) error {
	switch err := root.Mkdir(name, 0o777); {
	case err == nil:
		x.made = append(x.made, name)
	case errors.Is(err, fs.ErrExist):
		if info, err := root.Stat(name); err != nil || !info.IsDir() {
			return fail(errors.New("it is there already, and is no directory"))
		}
	default:
		return fail(err)
	}
	return nil
}
