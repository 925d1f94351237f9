package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
)

func newExplainCmd(a *app) *cobra.Command {
	var f sourceFlags
	var path string
	cmd := &cobra.Command{
		Use:   "explain [DEST...]",
		Short: "Say why each file is in the image, and why it lies where it does",
		Long: `Work out the image of a manifest without writing it, and say for every file, or
for those at DEST (a file or directory in the image): which rule put it there,
why it is compiled or kept as it is, why it is aligned, and where it lies. Of a
manifest with several images all are explained, or with -p one.`,
		Example: `  romfs explain
  romfs explain models/person.tflite -f app/romfs.yaml
  romfs explain lib --board openmv-n6 --output json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := f.open(cmd.Context(), a, path)
			if err != nil {
				return err
			}
			images, err := project.Build(cmd.Context())
			if err != nil {
				return err
			}
			a.warnings(images)
			results, err := inspect.Explain(images, project.Files(), args)
			if err != nil {
				return err
			}
			return a.result(oneOrAll(results), func(w io.Writer) error {
				for i, r := range results {
					if len(results) > 1 {
						if _, err := fmt.Fprintf(w, "%s%s\n", strings.Repeat("\n", min(i, 1)), explainHeader(r)); err != nil {
							return err
						}
					}
					if err := printExplanation(w, r); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	f.add(a, cmd)
	cmd.Flags().StringVarP(&path, "file", "f", defaultManifest, "manifest or directory that the image is made of")
	return cmd
}

// explainHeader stands above one of several images.
func explainHeader(r *inspect.Explanation) string {
	return fmt.Sprintf("== %s, for %s", r.Image, r.Partition)
}

func printExplanation(w io.Writer, r *inspect.Explanation) error {
	var b strings.Builder
	for _, f := range r.Files {
		fmt.Fprintf(&b, "%s\n", report.Name(f.Path))
		from := f.Source
		if f.Rule != "" && f.Rule != "directory" {
			from += " (" + f.Rule + ")"
		}
		fmt.Fprintf(&b, "  from   %s\n", from)
		switch {
		case f.Kind == artifact.KindMPY:
			fmt.Fprintf(&b, "  kind   compiled: %s\n", f.Why)
		case f.Transform != nil && f.Transform.Kept == "":
			fmt.Fprintf(&b, "  kind   made by %s\n", f.Why)
		case f.Kind == artifact.KindImage:
			fmt.Fprint(&b, "  kind   an image of its own\n")
		default:
			why := ""
			if f.Why != "" {
				why = ": " + f.Why
			}
			fmt.Fprintf(&b, "  kind   as it is%s\n", why)
		}
		if f.Remark != "" {
			fmt.Fprintf(&b, "  note   %s\n", f.Remark)
		}
		if f.Align > 1 {
			fmt.Fprintf(&b, "  align  %d: %s\n", f.Align, f.AlignFrom)
		}
		padding := ""
		if f.Padding > 0 {
			padding = fmt.Sprintf(", after %s of padding", report.Plural(f.Padding, "byte"))
		}
		fmt.Fprintf(&b, "  place  %s, %d bytes%s\n", f.Place, f.Size, padding)
	}
	fmt.Fprintf(&b, "image: layout %s, %s, %d bytes of padding", r.Layout, report.Size(r.Size), r.Padding)
	if r.Free != nil {
		fmt.Fprintf(&b, ", %s free in the partition", report.Size(*r.Free))
	}
	b.WriteByte('\n')
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
