package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/trust/sbom"
	"rules_romfs/packager/watch"
)

// defaultManifest is what build and explain take without an argument, and
// what init writes.
const defaultManifest = "romfs.yaml"

// buildResult is what build prints with --output json.
type buildResult struct {
	Image    string          `json:"image"`
	Sidecar  string          `json:"sidecar,omitempty"`
	Written  []string        `json:"written"`
	SHA256   artifact.Digest `json:"sha256"`
	Size     int64           `json:"size"`
	Free     *int64          `json:"free,omitempty"`
	Files    int             `json:"files"`
	Warnings []warning       `json:"warnings"`
	// Partition is empty for an image that is for none in particular.
	Partition string `json:"partition,omitempty"`
	used      string // of the partition, for people
}

type warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

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
	reads := func(ctx context.Context) []string { return f.source.reads(ctx, a, path) }
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
	targets, err := f.targets(project)
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
	warnings := a.warnings(images)
	if toStdout {
		return images[0].Stream(ctx, a.stdout, a.reporter)
	}
	packages, err := f.attest.packages(images)
	if err != nil {
		return err
	}
	written, err := project.Save(ctx, images, targets)
	if err != nil {
		return err
	}
	var results []buildResult
	for i, im := range images {
		r, err := newBuildResult(im, written[i], warnings[i])
		if err != nil {
			return err
		}
		more, err := f.attestations(ctx, a, im, r.Image, path, len(images) == 1, packages[im])
		if err != nil {
			return err
		}
		r.Written = append(r.Written, more...)
		results = append(results, r)
	}
	return a.result(oneOrAll(results), func(w io.Writer) error {
		for i := range results {
			if err := results[i].print(w); err != nil {
				return err
			}
		}
		return nil
	})
}

// targets are where the images go.
func (f *buildFlags) targets(project *pack.Project) ([]pack.Targets, error) {
	if f.out != "" {
		if err := project.One("-o names one file"); err != nil {
			return nil, err
		}
	}
	if f.dir != "" {
		if err := os.MkdirAll(f.dir, 0o777); err != nil {
			return nil, &pack.OutputError{Path: f.dir, Err: err}
		}
	}
	var targets []pack.Targets
	for _, file := range project.Files() {
		targets = append(targets, pack.Targets{Image: cmp.Or(f.out, filepath.Join(f.dir, file)), HashedDir: f.dir})
	}
	return targets, nil
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

// newBuildResult describes an image and where it was written.
func newBuildResult(im *pack.Image, written []string, warnings []warning) (buildResult, error) {
	s, err := im.Sidecar()
	if err != nil {
		return buildResult{}, err
	}
	r := buildResult{Image: written[0], Written: written, SHA256: s.Image.SHA256, Size: s.Image.Size,
		Free: s.Totals.Free, Files: s.Totals.Files, Warnings: warnings}
	if len(written) > 1 {
		r.Sidecar = written[1]
	}
	if p := s.Partition; p != nil {
		r.Partition = p.Name
		if r.Free != nil {
			r.used = fmt.Sprintf(" (%.1f%% of %s)", 100*float64(r.Size)/float64(p.Size), p.Name)
		}
	}
	return r, nil
}

func (r *buildResult) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s: %s, %s%s, sha256 %s\n", r.Image, report.Plural(int64(r.Files), "file"), report.Size(r.Size), r.used, r.SHA256.Short())
	return err
}

// several is the result object of a verb about several images of a manifest.
type several[T any] struct {
	Images []T `json:"images"`
}

// oneOrAll is the result object about images: that of the one there is, or a
// list of them.
func oneOrAll[T any](results []T) any {
	if len(results) == 1 {
		return results[0]
	}
	return several[T]{results}
}

// warnings reports the warnings of a build and returns them by image.
func (a *app) warnings(images []*pack.Image) [][]warning {
	var all [][]warning
	for _, im := range images {
		all = append(all, a.warn(im.Warnings))
	}
	return all
}

// warn reports the warnings of an image and returns them for its result.
func (a *app) warn(warnings []pack.Warning) []warning {
	all := []warning{}
	for _, w := range warnings {
		a.reporter.Log(report.Warning, fmt.Sprintf("%s [%s]", w.Message, w.Code))
		all = append(all, warning{w.Code, w.Message})
	}
	return all
}
