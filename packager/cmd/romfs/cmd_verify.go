package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
	"rules_romfs/packager/trust/sign"
)

func newVerifyCmd(a *app) *cobra.Command {
	var f boardFlags
	var strict bool
	var trusted trustFlags
	cmd := &cobra.Command{
		Use:   "verify IMAGE",
		Short: "Check an image for everything that a board would get wrong",
		Long: `Check an image: the format, record by record, for what MicroPython's driver
would silently get wrong; for a board the size of its partition, the alignment
of files that its firmware uses in place and the ABI of every .mpy file; and
with a sidecar that image and sidecar belong together; with --key that it is
signed by that key (romfs sign). An image in a file of the image is checked
too. IMAGE may be "-" for stdin.

With --strict warnings fail too, except about what builds do on purpose: the odd
sizes and long headers of layout openmv, and the long headers for ECC flash.

The findings go to stdout. Exit code 5: the image is invalid or does not fit;
8: the sidecar is another image's; 9: the board cannot use it, or it is not
signed by the key.`,
		Example: `  romfs verify app.romfs
  romfs verify app.romfs --board openmv-n6 --strict
  romfs verify app.romfs --key pub.pem
  romfs verify - --output json <app.romfs`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.openSource(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			v, err := inspect.Verify(cmd.Context(), in, f.target())
			if err != nil {
				return err
			}
			var signer *sign.PublicKey
			trustErr := trusted.verify(cmd.Context(), a, in, &signer)
			if err := a.result(verifyResult{v, keyID(signer)}, func(w io.Writer) error { return printVerification(w, v, signer) }); err != nil {
				return err
			}
			return errors.Join(verdict(v, strict), trustErr)
		},
	}
	f.add(a, cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "let warnings fail too")
	trusted.add(cmd)
	return cmd
}

// verifyResult is the result object of verify.
type verifyResult struct {
	*inspect.Verification
	Signer string `json:"signer,omitempty"` // sha256 of the key that has signed the image, of those asked for
}

// keyID is the id of a key; "" for none.
func keyID(k *sign.PublicKey) string {
	if k == nil {
		return ""
	}
	return k.ID()
}

func printVerification(w io.Writer, v *inspect.Verification, signer *sign.PublicKey) error {
	for _, f := range v.Findings {
		where := ""
		if f.Path != "" && f.Path != "." {
			where = " " + report.Name(f.Path)
		}
		if _, err := fmt.Fprintf(w, "%s: %s at %d%s: %s [%s]\n", v.Image, f.Severity, f.Offset, where, f.Message, f.Code); err != nil {
			return err
		}
	}
	if len(v.Findings) > 0 {
		return nil
	}
	checked := []string{"format"}
	if v.Board != "" {
		checked = append(checked, "board "+v.Board)
	}
	if v.Sidecar {
		checked = append(checked, "sidecar")
	}
	if signer != nil {
		checked = append(checked, "signed by key "+signer.ShortID())
	}
	_, err := fmt.Fprintf(w, "%s: ok: %s (checked: %s)\n", v.Image, report.Size(v.Size), strings.Join(checked, ", "))
	return err
}

// concernCodes are the exit codes of findings, by what they are about.
var concernCodes = map[inspect.Concern]int{
	inspect.AboutImage:   exitImage,
	inspect.AboutSidecar: exitVerify,
	inspect.AboutBoard:   exitIncompatible,
}

// verdict turns the findings into the error that gives the exit code.
func verdict(v *inspect.Verification, strict bool) error {
	errs, warnings, concern, ok := v.Verdict(strict)
	if ok {
		return nil
	}
	var parts []string
	if errs > 0 {
		parts = append(parts, report.Plural(errs, "error"))
	}
	if warnings > 0 {
		parts = append(parts, report.Plural(warnings, "warning"))
	}
	return &codedError{concernCodes[concern], errors.New(v.Image + ": " + strings.Join(parts, ", "))}
}
