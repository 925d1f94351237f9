package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rules_romfs/manifest"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/device"
	"rules_romfs/packager/export"
	"rules_romfs/packager/importer"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/port"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/drivers"
	"rules_romfs/packager/transform"
	"rules_romfs/packager/trust/intoto"
	"rules_romfs/packager/trust/sbom"
	"rules_romfs/packager/trust/sign"
)

// The exit codes. Scripts depend on them; docs/cli.md lists them.
const (
	exitOK           = 0
	exitInternal     = 1   // internal, or the system: disk full, permissions
	exitUsage        = 2   // the command line
	exitInput        = 3   // manifest or inputs
	exitCompile      = 4   // mpy-cross, transforms
	exitImage        = 5   // image invalid, over budget, or does not fit
	exitBoard        = 6   // no board, several, or busy
	exitTransfer     = 7   // transfer failed
	exitVerify       = 8   // verification failed
	exitIncompatible = 9   // ABI, board or partition
	exitDiffers      = 10  // diff --exit-code
	exitInterrupted  = 130 // Ctrl-C
)

// exitMeanings are the codes for people: in the help and in docs/cli.md.
var exitMeanings = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitInternal, "internal, or the system: disk full, no permission"},
	{exitUsage, "the command line"},
	{exitInput, "the manifest or its inputs"},
	{exitCompile, "compiling or a transform failed, or its program is missing"},
	{exitImage, "the image is invalid, over its budget, or does not fit"},
	{exitBoard, "no board, several, or a busy one"},
	{exitTransfer, "the transfer failed"},
	{exitVerify, "verification failed"},
	{exitIncompatible, "incompatible: the .mpy files, the board or the partition"},
	{exitDiffers, "the images differ (diff --exit-code)"},
	{exitInterrupted, "interrupted"},
}

// exitHelp lists the codes as the help shows them.
func exitHelp() string {
	var b strings.Builder
	for _, e := range exitMeanings {
		fmt.Fprintf(&b, "%5d  %s\n", e.code, e.meaning)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// exitNames are the stages as JSON results and events name them.
var exitNames = map[int]string{
	exitInternal:     "internal",
	exitUsage:        "usage",
	exitInput:        "input",
	exitCompile:      "compile",
	exitImage:        "image",
	exitBoard:        "board",
	exitTransfer:     "transfer",
	exitVerify:       "verify",
	exitIncompatible: "incompatible",
	exitDiffers:      "differs",
	exitInterrupted:  "interrupted",
}

// An exitRule gives the errors of one kind their code.
type exitRule struct {
	code  int
	match func(error) bool
}

// exitRules is the table: one line for each typed error of the packages below.
// Of several matches the earliest stage counts, which is the smallest code.
var exitRules = []exitRule{
	{exitUsage, is[*usageError]},
	{exitUsage, is[*inspect.ChoiceError]},
	{exitUsage, is[*pack.ChoiceError]},
	{exitUsage, is[*simboard.FaultError]},
	{exitUsage, is[*simboard.SpecError]},
	{exitUsage, is[*simboard.OptionError]},
	{exitUsage, is[*drivers.NameError]},
	{exitUsage, is[*deploy.BackupError]},
	{exitBoard, is[*simboard.BusyError]},
	{exitInput, is[*inputError]},
	{exitInput, is[*inspect.InputError]},
	{exitInput, is[*ram.InterpreterError]},
	{exitInput, is[*ram.LedgerError]},
	{exitInput, is[*ram.UnknownError]},
	{exitInput, is[*artifact.FormatError]},
	{exitInput, is[manifest.Errors]},
	{exitInput, is[*manifest.Error]},
	{exitInput, is[*pack.SourceError]},
	{exitInput, is[*mpy.OptionError]},
	{exitInput, is[*transform.ReadError]},
	{exitInput, is[*romfs.TreeError]},
	{exitInput, is[*importer.EmptyError]},
	{exitInput, is[*sbom.ReadError]},
	{exitInput, is[*intoto.ReadError]},
	{exitInput, is[*sign.KeyError]},
	{exitInput, is[*sign.EnvelopeError]},
	{exitCompile, is[*mpy.CompileError]},
	{exitCompile, is[*mpy.NotFoundError]},
	{exitCompile, is[*transform.RunError]},
	{exitCompile, is[*transform.MissingError]},
	{exitImage, is[*inspect.ImageError]},
	{exitImage, is[*inspect.DamageError]},
	{exitImage, is[*pack.FitError]},
	{exitImage, is[*export.SizeError]},
	{exitImage, is[*romfs.FormatError]},
	{exitImage, is[*romfs.SizeError]},
	{exitImage, is[*artifact.LimitError]},
	{exitImage, is[*ram.LimitError]},
	{exitBoard, is[*simboard.InterpreterError]},
	{exitVerify, is[*artifact.MismatchError]},
	{exitIncompatible, is[*sign.TrustError]},
	{exitIncompatible, is[*pack.MPYError]},
	{exitIncompatible, is[*pack.BoardError]},
	{exitIncompatible, is[*board.NoROMError]},
	{exitIncompatible, is[*export.PlaceError]},
	{exitIncompatible, func(err error) bool { return err == export.ErrAddress }},
	{exitInput, is[*port.BookError]},
	{exitBoard, is[*port.Error]},
	{exitTransfer, is[*port.TransferError]},
	{exitTransfer, is[*repl.Error]},
	{exitTransfer, is[*device.BoardError]},
	{exitVerify, is[*deploy.VerifyError]},
	{exitVerify, is[*deploy.ImportError]},
	{exitIncompatible, is[*deploy.IncompatibleError]},
	{exitDiffers, is[*differsError]},
}

// is reports whether err itself is a T: not what it wraps, so that the table
// sees every error of a tree once.
func is[T error](err error) bool {
	_, ok := err.(T)
	return ok
}

// exitCode returns the exit code of err.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitOK
	case interrupted(ctx, err):
		return exitInterrupted
	}
	if reported, ok := err.(*reportedError); ok {
		return reported.code
	}
	code := 0
	walk(err, func(e error) {
		if c, ok := e.(*codedError); ok && (code == 0 || c.code < code) {
			code = c.code
		}
		for _, r := range exitRules {
			if r.match(e) && (code == 0 || r.code < code) {
				code = r.code
			}
		}
	})
	if code == 0 {
		return exitInternal
	}
	return code
}

// interrupted reports whether err is only there because of Ctrl-C.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
}

// advice returns the code of the first error in a tree that has one, and what to
// do about it.
func advice(err error) (code, hint string) {
	walk(err, func(e error) {
		if a, ok := e.(interface{ Advice() (code, hint string) }); ok && code == "" {
			code, hint = a.Advice()
		}
	})
	return code, hint
}

// walk visits err and everything that it wraps.
func walk(err error, visit func(error)) {
	if err == nil {
		return
	}
	visit(err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		walk(e.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		for _, each := range e.Unwrap() {
			walk(each, visit)
		}
	}
}

// A usageError is a mistake on the command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

// An inputError is something wrong with what the user gave.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// A codedError is the sum of findings that were printed already; code is that
// of the earliest stage among them.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// A differsError is `diff --exit-code` on a difference; it is no failure, so
// nothing is printed.
type differsError struct{}

func (*differsError) Error() string { return "the images differ" }

// A reportedError is the exit code of a command line that this one ran, and
// that has said itself what failed.
type reportedError struct{ code int }

func (e *reportedError) Error() string { return exitNames[e.code] }
