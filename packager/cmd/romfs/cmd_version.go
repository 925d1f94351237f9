package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
)

type versionResult struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	Sidecar int    `json:"sidecar_schema"`
}

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of romfs and of the formats that it writes",
		Example: "  romfs version\n  romfs version --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := versionResult{Version: version(), Go: runtime.Version(), Sidecar: artifact.Schema}
			return a.result(r, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "romfs %s (%s, sidecar schema %d)\n", r.Version, r.Go, r.Sidecar)
				return err
			})
		},
	}
}

// version returns what the Go tool recorded: the module's version, or the
// commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
