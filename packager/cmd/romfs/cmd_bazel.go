package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rules_romfs/packager/bazel"
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
			action := &bazel.Action{Stderr: a.stderr}
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
		return request.RunTest(ctx, a.stdout)
	}
	commands, err := request.Commands(args)
	if err != nil {
		return err
	}
	// From here on paths are the user's, from where `bazel run` was called.
	if dir := a.getenv("BUILD_WORKING_DIRECTORY"); dir != "" {
		if err := os.Chdir(dir); err != nil {
			return err
		}
	}
	failed := 0
	for i, command := range commands {
		if len(commands) > 1 {
			fmt.Fprintln(a.stderr, request.Deploys[i].Target)
		}
		if code := a.again(ctx, command); code != exitOK && failed == 0 {
			failed = code
		}
		if ctx.Err() != nil {
			break
		}
	}
	if failed != 0 {
		return &reportedError{failed}
	}
	return nil
}
