package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"rules_romfs/packager/bazel"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

// newBazelCmd is what the rules in //rules run; their arguments are no part of
// the command line for people.
func newBazelCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:                "bazel",
		Short:              "Carry out an action of the Bazel rules",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && args[0] == "run" {
				return a.runRequest(cmd.Context(), args[1], args[2:])
			}
			action := &bazel.Action{Stderr: a.stderr, Version: version()}
			return action.Run(cmd.Context(), args)
		},
	}
}

// bazelArgs returns the command line of this process: another than it was
// started with if it is the executable of a deploy or test target.
func bazelArgs() []string {
	args := os.Args[1:]
	request := bazel.FindRequest(os.Args[0], os.Getenv)
	if request == "" {
		return args
	}
	// What this process starts must not take the request for its own.
	os.Unsetenv(bazel.RequestVar)
	return append([]string{"bazel", "run", request}, args...)
}

// runRequest carries out what a deploy or test target asks for. Args are the
// user's, behind `bazel run //target --`.
func (a *app) runRequest(ctx context.Context, path string, args []string) error {
	request, err := bazel.ReadRequest(path)
	if err != nil {
		return err
	}
	if err := request.Prepare(os.Setenv); err != nil {
		return err
	}
	if request.Kind == "test" {
		return request.RunTest(ctx, a.stdout, args)
	}
	book, err := new(portFlags).book(a)
	if err != nil {
		return err
	}
	commands, err := request.Commands(args, func(name string) bool { return len(book.Places[name]) > 0 })
	if err != nil {
		return err
	}
	// From here on paths are the user's, from where `bazel run` was called.
	if dir := a.getenv("BUILD_WORKING_DIRECTORY"); dir != "" {
		if err := os.Chdir(dir); err != nil {
			return err
		}
	}
	if request.Kind == "diff" && request.Diff.MaxBlocks >= 0 {
		return a.diffWithin(ctx, commands[0], request.Diff.MaxBlocks)
	}
	if request.Jobs > 1 && len(commands) > 1 {
		return a.runTogether(ctx, commands, request.Jobs)
	}
	failed := 0
	for _, command := range commands {
		if len(commands) > 1 {
			fmt.Fprintln(a.stderr, command.Target)
		}
		if code := a.again(ctx, command.Args, a.stdout, a.stderr); code != exitOK && failed == 0 {
			failed = code
		}
		if ctx.Err() != nil {
			break
		}
	}
	return reported(failed)
}

// reported is the error of commands that have said themselves what is wrong.
func reported(code int) error {
	if code == exitOK {
		return nil
	}
	return &reportedError{code}
}

// runTogether carries out commands side by side. What a command prints comes when
// it is done, so that each has its lines together.
func (a *app) runTogether(ctx context.Context, commands []bazel.Command, jobs int) error {
	fmt.Fprintf(a.stderr, "%s, %d at once\n", report.Plural(int64(len(commands)), "deploy"), jobs)
	var lock sync.Mutex // of what is printed
	codes := make([]int, len(commands))
	bazel.Together(ctx, commands, jobs, func(i int) {
		var stdout, stderr bytes.Buffer
		codes[i] = a.again(ctx, commands[i].Args, &stdout, &stderr)
		lock.Lock()
		defer lock.Unlock()
		fmt.Fprintln(a.stderr, commands[i].Target)
		a.stderr.Write(stderr.Bytes())
		a.stdout.Write(stdout.Bytes())
	})
	for _, code := range codes {
		if code != exitOK {
			return reported(code)
		}
	}
	return nil
}

// diffWithin compares two images of which one may be an update of the other.
func (a *app) diffWithin(ctx context.Context, command bazel.Command, limit int64) error {
	if code := a.again(ctx, command.Args, a.stdout, a.stderr); code != exitOK && code != exitDiffers {
		return reported(code)
	}
	var object bytes.Buffer
	if code := a.again(ctx, append(command.Args, "--output", "json"), &object, a.stderr); code != exitOK && code != exitDiffers {
		return reported(code)
	}
	var d inspect.Difference
	if err := json.Unmarshal(object.Bytes(), &d); err != nil {
		return err
	}
	if d.Blocks.Send > limit {
		return &codedError{exitDiffers, &bazel.TargetError{Label: command.Target, Err: fmt.Errorf("a deploy would send %s, and max_blocks is %d", report.Plural(d.Blocks.Send, "block"), limit)}}
	}
	return nil
}
