package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rules_romfs/manifest"
	"rules_romfs/packager/board"
	"rules_romfs/packager/pack"
)

// schemas are the documents that romfs can check for an editor.
var schemas = map[string]func() []byte{"manifest": manifest.Schema, "board": board.Schema}

func newSchemaCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [manifest|board]",
		Short: "Print the JSON Schema of manifests or of board files",
		Long: `Print the JSON Schema (2020-12) of manifests, or of board files. Editors check
and complete by it; for the YAML language server, begin a file with the line
  # yaml-language-server: $schema=PATH`,
		Example: `  romfs schema >romfs.schema.json
  romfs schema board >board.schema.json`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: []string{"manifest", "board"},
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "manifest"
			if len(args) > 0 {
				name = args[0]
			}
			schema, ok := schemas[name]
			if !ok {
				return &usageError{fmt.Sprintf("there is no schema of %q: say manifest or board", name)}
			}
			a.printed = true
			if _, err := a.stdout.Write(schema()); err != nil {
				return &pack.OutputError{Err: err}
			}
			return nil
		},
	}
}
