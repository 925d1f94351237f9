package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/images"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
)

// The flags that several verbs share. Those of verbs that talk to boards are in
// port.go.

// sourceFlags are those of every verb that builds: build, explain, deploy.
type sourceFlags struct {
	board, partition, size string
	compile, noCompile     bool
	arch                   string
	mpyCross, cacheDir     string
	offline, noCache       bool
	skipTransforms         bool
	jobs                   int
	allow                  []string
}

func (f *sourceFlags) add(a *app, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.board, "board", "", "`board` id (romfs boards lists them) or board file; over the manifest's")
	flags.StringVarP(&f.partition, "partition", "p", "", "`partition` name or index; over the manifest's, or which of its images")
	flags.StringVar(&f.size, "partition-size", "", "`size` of the partition, such as 1MiB, where the board leaves it open")
	flags.BoolVarP(&f.compile, "mpy", "m", false, "compile .py files, whatever the manifest says")
	flags.BoolVar(&f.noCompile, "no-mpy", false, "pack .py files as they are, whatever the manifest says")
	flags.StringVar(&f.arch, "arch", "", "`architecture` of machine code (@micropython.native, viper, assembler): board, or a name such as armv7emdp; over the manifest's")
	flags.StringVar(&f.mpyCross, "mpy-cross", "", "compiler to use: the `file` of a mpy-cross")
	flags.BoolVar(&f.offline, "offline", false, "do not fetch the compiler if it is not there")
	flags.BoolVar(&f.skipTransforms, "skip-missing-transforms", false, "pack sources as they are whose transform's program is missing")
	flags.IntVarP(&f.jobs, "jobs", "j", 0, "compile and transform with `N` processes at once (default: about one a processor)")
	flags.StringVar(&f.cacheDir, "cache-dir", "", "keep compiled and transformed files and the compiler in `dir` (default: $ROMFS_CACHE, else the user's cache folder)")
	flags.BoolVar(&f.noCache, "no-cache", false, "neither use nor fill the cache of compiled and transformed files")
	flags.StringSliceVar(&f.allow, "allow", nil, "silence the warnings with these `codes`")
	cmd.MarkFlagsMutuallyExclusive("mpy", "no-mpy")
	cmd.MarkFlagsMutuallyExclusive("cache-dir", "no-cache")
	a.completeBoard(cmd, "board")
	a.complete(cmd, "arch", append([]string{pack.ArchBoard}, mpy.ArchNames()...)...)
	var codes []string
	for _, l := range manifest.Lints() {
		codes = append(codes, string(l.Code))
	}
	a.complete(cmd, "allow", codes...)
}

func boardIDs() []string { return board.IDs() }

// open reads the manifest or directory at path.
func (f *sourceFlags) open(ctx context.Context, a *app, path string) (*pack.Project, error) {
	o, err := f.options(a, path)
	if err != nil {
		return nil, err
	}
	project, err := pack.Open(ctx, o)
	var missing *pack.SourceError
	switch {
	case err == nil:
		return project, nil
	case path == defaultManifest && errors.As(err, &missing) && missing.Source == path && errors.Is(err, fs.ErrNotExist):
		return nil, &inputError{fmt.Errorf("%w; name a manifest or a directory, or begin with `romfs init`", err)}
	case images.Begins(path):
		return nil, &inputError{fmt.Errorf("%s is an image, and what is wanted here is a manifest or a directory; `romfs ls`, `deploy` and `export` take images", path)}
	}
	return nil, err
}

// options turns the flags into those of a build.
func (f *sourceFlags) options(a *app, path string) (pack.Options, error) {
	o := pack.Options{
		Path: path, Board: f.board, Partition: f.partition, Jobs: f.jobs,
		MPYCross: f.mpyCross, Offline: f.offline, Getenv: a.getenv, Reporter: a.reporter,
	}
	if f.jobs < 0 {
		return o, &usageError{fmt.Sprintf("--jobs takes a number of processes, not %d", f.jobs)}
	}
	var err error
	if f.arch != "" {
		if o.Arch, err = pack.ParseArch(f.arch); err != nil {
			return o, &usageError{fmt.Sprintf("--arch: %v; or say board", err)}
		}
	}
	if o.PartitionSize, err = f.partitionSize(); err != nil {
		return o, err
	}
	if f.compile || f.noCompile {
		o.Compile = &f.compile
	}
	for _, name := range f.allow {
		code, err := manifest.ParseLintCode(name)
		if err != nil {
			return o, &usageError{fmt.Sprintf("--allow: %v", err)}
		}
		o.Allow = append(o.Allow, code)
	}
	o.SkipMissingTransforms = f.skipTransforms
	o.NoCache, o.CacheRoot = f.noCache, f.cacheDir
	if f.cacheDir == "" {
		// Without a home there is no cache: builds are slower, and right.
		o.CacheRoot, _ = mpy.CacheRoot(a.getenv)
	}
	return o, nil
}

// partitionSize returns --partition-size, 0 without one.
func (f *sourceFlags) partitionSize() (int64, error) { return parseSize("partition-size", f.size) }

// parseSize reads the value of a flag that is a size, 0 where it is not given.
func parseSize(flag, value string) (int64, error) {
	if value == "" {
		return 0, nil
	}
	n, err := board.ParseSize(value)
	if err != nil {
		return 0, &usageError{fmt.Sprintf("--%s: %v", flag, err)}
	}
	return n, nil
}

// boardFlags are --board and --partition of verbs that read images.
type boardFlags struct{ board, partition string }

func (f *boardFlags) add(a *app, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.board, "board", "", "`board` id or board file (default: the one in the image's sidecar)")
	cmd.Flags().StringVarP(&f.partition, "partition", "p", "", "`partition` name or index (default: the sidecar's, else the board's first)")
	a.completeBoard(cmd, "board")
}

func (f *boardFlags) target() inspect.Target {
	return inspect.Target{Board: f.board, Partition: f.partition}
}
