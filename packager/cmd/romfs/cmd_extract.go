package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

func newExtractCmd(a *app) *cobra.Command {
	var out string
	var force bool
	cmd := &cobra.Command{
		Use:   "extract IMAGE [PATH...]",
		Short: "Unpack an image into a directory",
		Long: `Write the files of an image, or those that PATHs name, into a directory:
by default one beside you that is named as the image. IMAGE may be "-" for
stdin.

Everything is checked before the first file is written: nothing leaves the
directory, also through links in it; a file that is there already is kept
unless you say --force; and names that this file system cannot tell apart or
cannot store are an error. An extraction that fails removes what it wrote, but
does not bring back what --force has replaced.`,
		Example: `  romfs extract app.romfs
  romfs extract app.romfs lib config.json -o unpacked
  romfs pull - | romfs extract - -o backup`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			if out == "" {
				if in.Path == "" {
					return &usageError{"an image from stdin has no name; say where to extract it: -o DIR"}
				}
				base := filepath.Base(in.Path)
				if out = strings.TrimSuffix(base, filepath.Ext(base)); out == base {
					out += ".files"
				}
			}
			o := inspect.ExtractOptions{Dir: out, Paths: args[1:], Force: force, Reporter: a.reporter}
			x, err := inspect.Extract(cmd.Context(), in, o)
			if err != nil {
				return err
			}
			return a.result(x, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: %s, %s\n", out, report.Plural(int64(x.Files), "file"), report.Size(x.Bytes))
				return err
			})
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "extract into `dir` (default: the image's name without its extension)")
	cmd.Flags().BoolVar(&force, "force", false, "replace files that are there already")
	return cmd
}
