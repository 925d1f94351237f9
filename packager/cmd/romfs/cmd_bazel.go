package main

import (
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
			action := &bazel.Action{Stderr: a.stderr}
			return action.Run(cmd.Context(), args)
		},
	}
}
