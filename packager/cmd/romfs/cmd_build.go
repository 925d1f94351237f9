package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rules_romfs/packager/pack"
	"rules_romfs/packager/trust/sbom"
	"rules_romfs/packager/watch"
)

// defaultManifest is what build and explain take without an argument, and
// what init writes.
const defaultManifest = "romfs.yaml"

func newBuildCmd(a *app) *cobra.Command {
	var f buildFlags
	cmd := &cobra.Command{
		Use:   "build [DIR|MANIFEST]",
		Short: "Build an image and its sidecar from a manifest or a directory",
		Long: `Build an image from a manifest (default: ./romfs.yaml) or a directory.

Without -o and --out-dir, NAME.romfs and its description NAME.romfs.json are
written to the current directory; NAME is the manifest's, or the directory's.
A directory is packed as mpremote does: all of it, .py files compiled. Of a
manifest with several images all are built, or with -p the one for a partition.

The same inputs give the same bytes, on every machine. The image's sha256 is
its identity. Files are written whole or not at all: of several images none
before all are made.`,
		Example: `  romfs build
  romfs build src --no-mpy -o app.romfs
  romfs build app/romfs.yaml --board openmv-n6 --out-dir dist
  romfs build --sbom cyclonedx --provenance
  romfs build ae3.yaml -p romfs1
  romfs build --watch
  romfs build app/romfs.yaml -o - | sha256sum`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultManifest
			if len(args) > 0 {
				path = args[0]
			}
			if _, err := os.Stat(path); f.watched && err == nil {
				return f.watch(cmd.Context(), a, path)
			}
			return f.run(cmd.Context(), a, path)
		},
	}
	f.source.add(a, cmd)
	f.attest.add(a, cmd)
	cmd.Flags().StringVarP(&f.out, "out", "o", "", "write the image to `file`; - is stdout, without a sidecar")
	cmd.Flags().StringVar(&f.dir, "out-dir", "", "write into `dir`, and once more under a name with the sha256")
	cmd.Flags().BoolVarP(&f.watched, "watch", "w", false, watchUsage)
	cmd.MarkFlagsMutuallyExclusive("out", "out-dir")
	return cmd
}

type buildFlags struct {
	source   sourceFlags
	attest   attestFlags
	out, dir string
	watched  bool
}

// watch builds at each change.
func (f *buildFlags) watch(ctx context.Context, a *app, path string) error {
	if err := a.checkWatch(); err != nil {
		return err
	}
	if f.out == "-" {
		return &usageError{"--watch writes an image again and again, which stdout cannot hold; name a file"}
	}
	reads := func(ctx context.Context) ([]string, error) { return f.source.reads(ctx, a, path) }
	return a.watch(ctx, reads, func(ctx context.Context, c watch.Change) error {
		if err := a.start(); err != nil { // the bars of the last round are gone
			return err
		}
		err := f.run(ctx, a, path)
		if err == nil {
			a.after(c, "built")
		}
		return err
	})
}

func (f *buildFlags) run(ctx context.Context, a *app, path string) error {
	toStdout := f.out == "-"
	if err := f.attest.check(toStdout); err != nil {
		return err
	}
	project, err := f.source.open(ctx, a, path)
	if err != nil {
		return err
	}
	targets, err := project.Place(f.out, f.dir)
	if err != nil {
		return err
	}
	if err := a.checkStdout(f.out, "the image", false); err != nil {
		return err
	}
	if !toStdout {
		project.Expect(targets)
	}
	images, err := project.Build(ctx)
	if err != nil {
		return err
	}
	a.warnings(images)
	if toStdout {
		return images[0].Stream(ctx, a.stdout, a.reporter)
	}
	packages, err := f.attest.packages(images)
	if err != nil {
		return err
	}
	results, err := project.Save(ctx, images, targets)
	if err != nil {
		return err
	}
	for i, r := range results {
		more, err := f.attestations(ctx, a, images[i], r.Image, path, len(images) == 1, packages[images[i]])
		if err != nil {
			return err
		}
		r.Written = append(r.Written, more...)
	}
	return a.result(oneOrAll(results), func(w io.Writer) error {
		for _, r := range results {
			if _, err := fmt.Fprintln(w, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// attestations writes what is asked for besides an image and its sidecar.
func (f *buildFlags) attestations(ctx context.Context, a *app, im *pack.Image, image, path string, one bool, packages map[string]*sbom.Package) ([]string, error) {
	s, err := im.Sidecar()
	if err != nil {
		return nil, err
	}
	p, err := f.source.parameters(path, s, one)
	if err != nil {
		return nil, err
	}
	return f.attest.write(ctx, im, image, p, packages)
}
