package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	cause := errors.New("interrupt signal received")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	compile, fit := &mpy.CompileError{File: "a.py"}, &pack.FitError{}
	for name, tc := range map[string]struct {
		ctx  context.Context
		err  error
		want int
	}{
		"none":                      {t.Context(), nil, 0},
		"unknown":                   {t.Context(), errors.New("?"), 1},
		"system":                    {t.Context(), &pack.OutputError{Err: fs.ErrNotExist}, 1},
		"usage":                     {t.Context(), &usageError{"x"}, 2},
		"manifest":                  {t.Context(), manifest.Errors{{Message: "x"}}, 3},
		"source":                    {t.Context(), &pack.SourceError{Err: fs.ErrNotExist}, 3},
		"sidecar is none":           {t.Context(), &artifact.FormatError{Err: cause}, 3},
		"compile":                   {t.Context(), compile, 4},
		"no compiler":               {t.Context(), &mpy.NotFoundError{}, 4},
		"too large":                 {t.Context(), fit, 5},
		"wrapped":                   {t.Context(), fmt.Errorf("a: %w", fmt.Errorf("b: %w", fit)), 5},
		"sidecar of another":        {t.Context(), &artifact.MismatchError{}, 8},
		"abi":                       {t.Context(), &pack.MPYError{Err: &mpy.IncompatibleError{}}, 9},
		"board":                     {t.Context(), &pack.BoardError{Err: cause}, 9},
		"differs":                   {t.Context(), &differsError{}, 10},
		"earliest first":            {t.Context(), errors.Join(compile, fit), 4},
		"earliest last":             {t.Context(), errors.Join(fit, compile), 4},
		"earliest of findings":      {t.Context(), errors.Join(&codedError{8, cause}, &codedError{5, cause}), 5},
		"interrupted":               {cancelled, context.Canceled, 130},
		"interrupted, by its cause": {cancelled, fmt.Errorf("compiling: %w", cause), 130},
		"failed before":             {cancelled, compile, 4},
		"cancelled by itself":       {t.Context(), context.Canceled, 1},
	} {
		if got := exitCode(tc.ctx, tc.err); got != tc.want {
			t.Errorf("%s: exit code %d, want %d", name, got, tc.want)
		}
	}
}

// TestInterruption: after Ctrl-C each board that was being written has a line of
// its own, once.
func TestInterruption(t *testing.T) {
	t.Parallel()
	cause := errors.New("interrupt signal received")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	a, b := &deploy.InterruptedError{Port: "a", Err: ctx.Err()}, &deploy.InterruptedError{Port: "b", Err: ctx.Err()}
	for name, tc := range map[string]struct {
		err  error
		want []string
	}{
		"one board":            {errors.Join(a), []string{a.Error()}},
		"several":              {errors.Join(errors.Join(a), errors.Join(b)), []string{a.Error(), b.Error()}},
		"nothing written":      {ctx.Err(), []string{"interrupted"}},
		"something to say":     {fmt.Errorf("3 files are there: %w", ctx.Err()), []string{"interrupted: 3 files are there"}},
		"the signal's name":    {cause, []string{"interrupted"}},
		"and something to say": {fmt.Errorf("compiling: %w", cause), []string{"interrupted: compiling"}},
	} {
		if got := interruption(ctx, tc.err); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestMessages: errors that were joined get a line each, others stay whole.
func TestMessages(t *testing.T) {
	t.Parallel()
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c\n  more of c")
	for _, tc := range []struct {
		err  error
		want []string
	}{
		{a, []string{"a"}},
		{errors.Join(a, errors.Join(b, c)), []string{"a", "b", "c\n  more of c"}},
		{fmt.Errorf("in x: %w", errors.Join(a, b)), []string{"in x: a\nb"}},
		{fmt.Errorf("%w, %w", a, b), []string{"a, b"}},
	} {
		if got := messages(tc.err); !slices.Equal(got, tc.want) {
			t.Errorf("messages(%q) = %q, want %q", tc.err, got, tc.want)
		}
	}
}
