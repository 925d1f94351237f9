package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/spf13/cobra"

	"rules_romfs/internal/smallfile"
	"rules_romfs/internal/syserr"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/trust/intoto"
	"rules_romfs/packager/trust/provenance"
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
			s, err := newSigner(sign.Keys{Getenv: a.getenv}, key, signer)
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
			st, err := statementAbout(im, id, statement)
			if err != nil {
				return err
			}
			if out == "" {
				out = sign.Path(args[0])
			}
			earlier, err := earlierEnvelope(out, id)
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

// newSigner signs with a private key, or through a command.
func newSigner(keys sign.Keys, key, command string) (*sign.Signer, error) {
	if command == "" {
		return keys.Private(key)
	}
	public, err := keys.Public(key)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		return nil, &usageError{"--signer names no command"}
	}
	return sign.Command(words, public), nil
}

// statementAbout is the statement in the file, or one that says no more than
// which image it is.
func statementAbout(im *inspect.Image, id artifact.Image, file string) (*intoto.Statement, error) {
	if file == "" {
		name := strings.TrimSuffix(filepath.Base(im.Name), ".romfs")
		return intoto.New(&artifact.Sidecar{Name: name, Image: id}, intoto.ImageType, map[string]any{"size": id.Size})
	}
	s, err := readStatement(file)
	if err != nil {
		return nil, err
	}
	if !s.About(id.SHA256) {
		return nil, &sign.TrustError{Image: im.Name, Reason: fmt.Sprintf("%s is about another image, %s, and not sha256 %s", file, s.Names(), id.SHA256.Short()), Remedy: "build it with --provenance again"}
	}
	return s, nil
}

// readStatement reads a statement from a file.
func readStatement(file string) (*intoto.Statement, error) {
	data, _, err := smallfile.Read(file, provenance.MaxSize)
	switch {
	case errors.Is(err, smallfile.ErrLarge):
		return nil, &inputError{fmt.Errorf("%s: it has more than %d MiB, so it is no statement about an image", file, provenance.MaxSize>>20)}
	case err != nil:
		return nil, &inputError{syserr.Plain(err)}
	}
	s, err := intoto.Parse(data)
	if err != nil {
		return nil, &inputError{fmt.Errorf("%s: %w", file, err)}
	}
	return s, nil
}

// earlierEnvelope is the one that is there already, if it is about the image.
func earlierEnvelope(path string, id artifact.Image) (*dsse.Envelope, error) {
	e, s, err := sign.Load(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w; it would be written over: remove it, or name another file with -o", err)
	case !s.About(id.SHA256):
		return nil, nil // an older build's
	}
	return e, nil
}
