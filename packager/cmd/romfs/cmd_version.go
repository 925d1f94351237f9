package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/mpy"
)

type versionResult struct {
	Version  string `json:"version"`
	MPYCross string `json:"mpy_cross"` // the release that it compiles with
	Go       string `json:"go"`
	Sidecar  int    `json:"sidecar_schema"`
}

func newVersionCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of romfs and of the formats that it writes",
		Example: "  romfs version\n  romfs version --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := versionResult{Version: version(), MPYCross: mpy.PinnedVersion, Go: runtime.Version(), Sidecar: artifact.Schema}
			return a.result(r, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "romfs %s (mpy-cross %s, sidecar schema %d, %s)\n", r.Version, r.MPYCross, r.Sidecar, r.Go)
				return err
			})
		},
	}
}

// released is the version of a release; tools/release has the linker set it.
var released string

// version returns that of a release, or what the Go tool recorded: the module's
// version, or the commit that it was built from.
func version() string {
	if released != "" {
		return released
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
