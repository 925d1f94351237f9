package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/packager/board"
	"rules_romfs/packager/importer"
	"rules_romfs/packager/pack"
)

func newImportCmd(a *app) *cobra.Command {
	c := &importCmd{app: a}
	o := &c.o
	cmd := &cobra.Command{
		Use:   "import SOURCE",
		Short: "Write a manifest from OpenMV's configuration, a mip package, a manifest.py or a directory",
		Long: `Write a manifest that builds the image that another tool makes of SOURCE:

  *.json  OpenMV's romfs_config.json; the image is byte for byte the one that
          OpenMV's builder makes. {TOP} is two folders up where the file lies
          in boards/NAME/, else its own folder. Or a package.json of mip: its
          files, where they lie beside it, go to lib/; nothing is fetched.
  *.py    MicroPython's manifest of frozen modules; they become files of the
          image. It is evaluated as Starlark, a part of Python: no Python is
          run, and all that is beyond that is named with its line.
  DIR     a plain tree, as romfs build DIR packs it

What a manifest cannot say is named on stderr. A manifest that is there already
is kept, unless --force is given. Nothing that is imported is run.`,
		Example: `  romfs import boards/OPENMV_N6/romfs_config.json -o n6/romfs.yaml
  romfs import romfs_config.json --board openmv-ae3 -p romfs0 --top ../openmv
  romfs import package.json --board openmv-n6
  romfs import manifest.py --lib ../micropython-lib --var MPY_DIR=../micropython
  romfs import src -o - | less`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.o.Source = args[0]
			return c.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Out, "out", "o", defaultManifest, "write the manifest to `file`; - is stdout")
	f.BoolVar(&c.force, "force", false, "replace a manifest that is there")
	f.StringVar(&o.Name, "name", "", "base `name` of the image (default: from the source)")
	f.StringVar(&o.Board, "board", "", "`board` id or board file (default: from the folder, for OpenMV)")
	f.StringVarP(&o.Partition, "partition", "p", "", "`partition` name or index; of an OpenMV configuration, the one to import")
	f.StringVar(&o.Top, "top", "", "OpenMV's {TOP}: the `dir` of its sources")
	f.StringVar(&o.Build, "build", "", "OpenMV's {BUILD}: the `dir` of a firmware build")
	f.StringArrayVar(&c.vars, "var", nil, "a variable of paths in a manifest.py, as `NAME=VALUE`: MPY_DIR for $(MPY_DIR)")
	f.StringVar(&o.Lib, "lib", "", "the `dir` of micropython-lib, for require in a manifest.py")
	f.BoolVar(&o.NoCheck, "no-check", false, "write it although sources are missing, without comparing what it builds")
	a.completeBoard(cmd, "board")
	return cmd
}

// An importCmd is one romfs import.
type importCmd struct {
	*app
	o     importer.Options
	force bool
	vars  []string
}

func (c *importCmd) run(ctx context.Context) error {
	c.o.Vars = map[string]string{}
	for _, v := range c.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return &usageError{fmt.Sprintf("--var takes NAME=VALUE, not %q", v)}
		}
		c.o.Vars[name] = value
	}
	if err := c.checkStdout(c.o.Out, "the manifest", true); err != nil {
		return err
	}
	path := c.o.Out
	if path == "-" {
		c.o.Out = defaultManifest // whose directory the paths are relative to
	} else if _, err := os.Lstat(path); err == nil && !c.force {
		return &inputError{fmt.Errorf("%s is there already, and was kept; replace it with --force, or write to another file with -o", path)}
	}
	if c.o.Board != "" {
		if _, err := board.Lookup(c.o.Board); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &usageError{err.Error()}
		}
	}
	res, err := importer.Import(ctx, c.o)
	if res != nil {
		c.notes(res.Notes)
	}
	if err != nil {
		return err
	}
	if path == "-" {
		if _, err := c.stdout.Write(res.Text); err != nil {
			return &pack.OutputError{Err: err}
		}
		return nil
	}
	if err := writeManifest(path, res.Text); err != nil {
		return err
	}
	r := importResult{Manifest: path, Kind: res.Kind, Images: []importedImage{}, Notes: append([]importer.Note{}, res.Notes...)}
	for _, im := range res.Images {
		r.Images = append(r.Images, importedImage(im))
	}
	return c.result(r, r.print)
}

// writeManifest writes a manifest, and the directories that it goes to.
func writeManifest(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	if err := atomicfile.WriteFile(path, text); err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	return nil
}
