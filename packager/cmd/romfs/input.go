package main

import (
	"context"
	"os"
	"path/filepath"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
)

// openSource opens the bytes of an image without looking at them; "-" is
// standard input.
func (a *app) openSource(ctx context.Context, path string) (*inspect.Source, error) {
	if path == "-" {
		return inspect.ReadSource(ctx, "standard input", a.stdin)
	}
	return inspect.OpenSource(ctx, path)
}

// openImage opens an image; one that no board would mount is an error.
func (a *app) openImage(ctx context.Context, path string) (*inspect.Image, error) {
	s, err := a.openSource(ctx, path)
	if err != nil {
		return nil, err
	}
	return s.Image()
}

// checkOutput finds out, before work that takes long, that a file cannot be
// written where it is wanted.
func checkOutput(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return &usageError{path + " is a directory; name the file to write"}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	return nil
}

// checkStdout refuses to write to stdout, which out "-" is, what would be of no
// use there: beside the result of --output json, or as bytes on a terminal. What
// names it, such as "the image".
func (a *app) checkStdout(out, what string, text bool) error {
	switch {
	case out != "-":
		return nil
	case a.output == "json":
		return &usageError{what + " goes to stdout, where --output json would print its result; leave one out"}
	case !text && isTerminal(a.stdout):
		return &usageError{what + " is no text for a terminal; redirect stdout, or name a file"}
	}
	return nil
}
