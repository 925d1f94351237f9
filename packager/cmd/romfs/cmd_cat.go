package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/pack"
)

func newCatCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "cat IMAGE PATH...",
		Short: "Print files of an image",
		Long: `Write the content of files of an image to stdout, one after another. IMAGE may
be "-" for stdin.`,
		Example: `  romfs cat app.romfs config.json
  romfs cat app.romfs lib/ring.mpy | xxd | head`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.output == "json" {
				return &usageError{"cat prints the bytes of files; it has no --output json"}
			}
			in, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			// All names are looked up before the first byte goes out.
			var sections []*io.SectionReader
			for _, name := range args[1:] {
				e, err := in.Find(name)
				switch {
				case err != nil:
					return fmt.Errorf("%w; `romfs ls %s` shows what is there", err, args[0])
				case e.Dir:
					return &inputError{fmt.Errorf("%s: %s is a directory; `romfs extract` takes directories", in.Name, name)}
				case e.Err != nil:
					return &inspect.ImageError{Image: in.Name, Err: fmt.Errorf("%s: %w", name, e.Err)}
				}
				sections = append(sections, in.Section(e))
			}
			for _, s := range sections {
				if err := copyOut(a.stdout, s); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// copyOut copies to standard output and tells failing to write from failing
// to read.
func copyOut(w io.Writer, r io.Reader) error {
	_, err := io.Copy(outputErrors{w}, r)
	return err
}

type outputErrors struct{ w io.Writer }

func (o outputErrors) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil {
		err = &pack.OutputError{Err: err}
	}
	return n, err
}
