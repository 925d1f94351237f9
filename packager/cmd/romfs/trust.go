package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/trust/sign"
)

// trustFlags name the keys by which an image has to be signed.
type trustFlags struct {
	keys     []string
	envelope string
}

func (f *trustFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "public `key` that the image has to be signed by: a PEM file, or env:NAME; of several one is enough")
	cmd.Flags().StringVar(&f.envelope, "signature", "", "envelope with the signature: a `file` (default: IMAGE.dsse.json)")
}

// public reads the keys.
func (f *trustFlags) public(a *app) ([]*sign.PublicKey, error) {
	var keys []*sign.PublicKey
	for _, name := range f.keys {
		k, err := (sign.Keys{Getenv: a.getenv}).Public(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// check returns the id of the key that has signed the image of that digest, which
// lies at path; "" where no key is asked for.
func (f *trustFlags) check(ctx context.Context, a *app, path string, digest artifact.Digest) (string, error) {
	if len(f.keys) == 0 {
		if f.envelope != "" {
			return "", &usageError{"--signature is checked by a key: name it with --key"}
		}
		return "", nil
	}
	keys, err := f.public(a)
	if err != nil {
		return "", err
	}
	envelope := f.envelope
	if envelope == "" {
		envelope = sign.Path(path)
	}
	k, err := sign.Check(ctx, envelope, path, digest, keys)
	if err != nil {
		return "", err
	}
	return k.ID(), nil
}

// verify is check for an image that is open. What is no image has no signature
// either, which is not said twice.
func (f *trustFlags) verify(ctx context.Context, a *app, in *inspect.Source, signer *string) error {
	if len(f.keys) == 0 && f.envelope == "" {
		return nil
	}
	if in.Path == "" && f.envelope == "" {
		return &usageError{"an image from stdin has no file beside it: name its envelope with --signature"}
	}
	m, err := romfs.Open(in.Data, in.Length)
	if err != nil {
		return nil // the verdict on the image says it
	}
	id, err := artifact.Identify(io.NewSectionReader(in.Data, 0, m.Size()))
	if err != nil {
		return err
	}
	*signer, err = f.check(ctx, a, in.Name, id.SHA256)
	return err
}
