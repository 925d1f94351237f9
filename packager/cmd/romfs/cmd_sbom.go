package main

import (
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/trust/sbom"
)

func newSBOMCmd(a *app) *cobra.Command {
	var format, out string
	cmd := &cobra.Command{
		Use:   "sbom IMAGE",
		Short: "Write the bill of materials of an image that has a sidecar",
		Long: `Write what is in an image as a bill of materials: every file with its digests,
its kind and its source, nested images with their own files, and the compiler.

The image's sidecar has to lie beside it. ` + "`romfs build --sbom`" + ` also names the
packages that sources belong to, which a sidecar does not tell. The same image
has the same bill: there is no time and no host in it.`,
		Example: "  romfs sbom app.romfs >app.cdx.json\n  romfs sbom app.romfs --format spdx -o app.spdx.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := sbom.ParseFormat(format)
			if err != nil {
				return &usageError{fmt.Sprintf("--format: %v", err)}
			}
			if err := a.checkStdout(out, "the bill", true); err != nil {
				return err
			}
			im, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer im.Close()
			bill, err := readBill(im)
			if err != nil {
				return err
			}
			if out == "-" {
				return bill.Write(a.stdout, f)
			}
			return writeWhole(out, func(w io.Writer) error { return bill.Write(w, f) })
		},
	}
	cmd.Flags().StringVar(&format, "format", string(sbom.CycloneDX), "`format`: cyclonedx (1.6) or spdx (2.3), both as JSON")
	cmd.Flags().StringVarP(&out, "out", "o", "-", "write to `file`; - is stdout")
	a.complete(cmd, "format", sbom.Formats()...)
	return cmd
}

// readBill makes the bill of an image by its sidecar.
func readBill(im *inspect.Image) (*sbom.Bill, error) {
	s, err := im.Sidecar()
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, &inputError{fmt.Errorf("%s has no sidecar beside it, which says where its files came from; build it again, or copy the sidecar to it", im.Name)}
	}
	if im.Size() > math.MaxInt32 {
		return nil, &inputError{fmt.Errorf("%s has %d bytes, more than a bill is made of", im.Name, im.Size())}
	}
	data := make([]byte, im.Size())
	if _, err := io.ReadFull(io.NewSectionReader(im.Data, 0, im.Size()), data); err != nil {
		return nil, err
	}
	return sbom.New(data, s, nil, version())
}
