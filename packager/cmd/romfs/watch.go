package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/watch"
)

const watchUsage = "go on: do it again when something that it reads is saved, until Ctrl-C"

// checkWatch refuses a result that never ends.
func (a *app) checkWatch() error {
	if a.output == "json" {
		return &usageError{"--watch goes on without end, and --output json prints one result; --events json tells programs what happens"}
	}
	return nil
}

// watch does work, and again after each change of what it reads, until Ctrl-C,
// which is its proper end. list returns the paths that it reads; with an error, not
// all of them. An error of work is reported, and ends only itself, unless it is one
// of the command line.
func (a *app) watch(ctx context.Context, list func(context.Context) ([]string, error), work func(context.Context, watch.Change) error) error {
	w, err := watch.New()
	if err != nil {
		return err
	}
	defer w.Close()
	var reads, worked []string // worked: what the last work has read
	var c watch.Change
	for first := true; ; first = false {
		if reads, err = follow(ctx, w, reads, list); err != nil {
			return err
		}
		// Of what else is in the folders, only what it is about is of interest.
		c.Paths = slices.DeleteFunc(c.Paths, func(p string) bool { return !has(worked, p) && !has(reads, p) })
		if first || len(c.Paths) > 0 {
			worked = reads
			err := work(ctx, c)
			if ctx.Err() != nil || exitCode(ctx, err) == exitUsage {
				return err
			}
			a.complain(ctx, err)
		}
		if first {
			a.reporter.Log(report.Info, "watching "+report.Plural(int64(len(reads)), "file")+" and folders; Ctrl-C ends it")
		}
		if c, err = w.Next(ctx); ctx.Err() != nil {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// has tells whether a path is one of a sorted list.
func has(paths []string, path string) bool {
	_, found := slices.BinarySearch(paths, path)
	return found
}

// follow watches what list returns, and as long as that is not all, what was read
// before: a folder that goes while it is listed must not end the watch of the others.
// Nothing of it can change unseen from then on.
func follow(ctx context.Context, w *watch.Watcher, before []string, list func(context.Context) ([]string, error)) ([]string, error) {
	for {
		paths, err := list(ctx)
		if err != nil { // work says so
			paths = append(paths, before...)
		}
		slices.Sort(paths)
		paths = slices.Compact(paths)
		if more, err := w.Set(paths); err != nil || !more || ctx.Err() != nil {
			return paths, err
		}
	}
}

// reads returns the paths on which a build depends; with an error, not all of them.
func (f *sourceFlags) reads(ctx context.Context, a *app, path string) ([]string, error) {
	o, err := f.options(a, path)
	if err != nil {
		return nil, err
	}
	return pack.Inputs(ctx, o)
}

// after says how long it took from a change until something was done.
func (a *app) after(c watch.Change, done string) {
	if len(c.Paths) == 0 {
		return // it is the first time
	}
	took := time.Since(c.At)
	a.reporter.Event("watch", map[string]any{"changed": c.Paths, "done": done, "seconds": took.Seconds()})
	fmt.Fprintf(a.stdout, "%s: %s %.2f s later\n", changed(c), done, took.Seconds())
}

// changed names what has changed, of many paths the first.
func changed(c watch.Change) string {
	name := report.Name(filepath.Clean(c.Paths[0]))
	if more := len(c.Paths) - 1; more > 0 {
		name += fmt.Sprintf(" and %d more", more)
	}
	return name + " changed"
}
