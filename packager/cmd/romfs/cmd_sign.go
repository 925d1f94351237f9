package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/trust/sign"
)

// signResult is the result object of sign.
type signResult struct {
	Image     string          `json:"image"`
	SHA256    artifact.Digest `json:"sha256"`
	Envelope  string          `json:"envelope"`
	Key       string          `json:"key"`       // sha256 of the public key
	Statement string          `json:"statement"` // predicate type
}

func newSignCmd(a *app) *cobra.Command {
	var key, signer, statement, out string
	cmd := &cobra.Command{
		Use:   "sign IMAGE",
		Short: "Sign an image, for boards that take signed ones only",
		Long: `Sign an image: put a statement about its sha256 into a DSSE envelope beside it,
IMAGE.dsse.json. A second signature, by another key, is added to it.

The key is a file in PEM form as openssl and cosign make it (Ed25519 or ECDSA
P-256; cosign's password is $COSIGN_PASSWORD), or env:NAME. A pair of keys:

  openssl genpkey -algorithm ed25519 -out key.pem
  openssl pkey -in key.pem -pubout -out pub.pem

With --signer a command signs, such as one that asks a PKCS #11 token or a key
service: it gets the sha256 on its standard input (32 bytes; the message itself
for Ed25519) and prints the signature, and --key names the public key.

By default the statement says which image is meant and no more; --statement
signs another one about it, such as what ` + "`romfs build --provenance`" + ` wrote.`,
		Example: `  romfs sign app.romfs --key key.pem
  romfs sign app.romfs --key env:KEY --statement app.romfs.provenance.json
  romfs sign app.romfs --key pub.pem --signer "ask-kms sign"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if key == "" {
				return &usageError{"name the key with --key: a file, or env:NAME"}
			}
			words := strings.Fields(signer)
			if cmd.Flags().Changed("signer") && len(words) == 0 {
				return &usageError{"--signer names no command"}
			}
			s, err := (sign.Keys{Getenv: a.getenv}).Signer(key, words)
			if err != nil {
				return err
			}
			im, err := a.openImage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer im.Close()
			id, err := im.Identity()
			if err != nil {
				return err
			}
			st, err := sign.About(im.Name, id, statement)
			if err != nil {
				return err
			}
			if out == "" {
				out = sign.Path(args[0])
			}
			earlier, err := sign.Earlier(out, id.SHA256)
			if err != nil {
				return err
			}
			e, err := sign.Sign(cmd.Context(), st, s, earlier)
			if err != nil {
				return &codedError{exitInput, fmt.Errorf("signing %s: %w", args[0], err)}
			}
			text, err := json.MarshalIndent(e, "", "  ")
			if err != nil {
				return err
			}
			if err := writeWhole(out, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err }); err != nil {
				return err
			}
			a.known(false).Keep(id.SHA256, e)
			r := signResult{args[0], id.SHA256, out, s.PublicKey().ID(), st.PredicateType}
			return a.result(r, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: sha256 %s signed by key %s\n", r.Envelope, r.SHA256.Short(), s.PublicKey().ShortID())
				return err
			})
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "private `key`: a PEM file, or env:NAME; with --signer the public one")
	cmd.Flags().StringVar(&signer, "signer", "", "`command` that signs what it gets on stdin")
	cmd.Flags().StringVar(&statement, "statement", "", "sign the in-toto statement in this `file`, which must be about the image")
	cmd.Flags().StringVarP(&out, "out", "o", "", "write the envelope to `file` (default: IMAGE.dsse.json)")
	return cmd
}
