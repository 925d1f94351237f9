package main

import (
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
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

// demandFlags say by whom an image has to be signed before a board gets it.
type demandFlags struct {
	trustFlags
	required bool
}

func (f *demandFlags) add(cmd *cobra.Command) {
	f.trustFlags.add(cmd)
	cmd.Flags().BoolVar(&f.required, "require-signature", false, "deploy only what is signed by the key of --key, of the ports file or of the board file, each that names one")
}

// check refuses images that are not signed as the command line, the board's file
// or the ports file demands, before any board is touched. keys are those of the
// ports that were chosen.
func (f *demandFlags) check(ctx context.Context, a *app, loads []*payload, profile *board.Profile, keys map[string]string) error {
	demands := []trustFlags{}
	if len(f.keys) > 0 || f.envelope != "" {
		demands = append(demands, f.trustFlags)
	}
	own := slices.Sorted(maps.Values(keys))
	if profile != nil {
		own = append(own, profile.Key)
	}
	for _, key := range slices.Compact(own) {
		if key != "" {
			demands = append(demands, trustFlags{[]string{key}, f.envelope})
		}
	}
	if f.required && len(demands) == 0 {
		return &usageError{"--require-signature: no key is named; name it with --key, or as require_signature in the ports file or the board file"}
	}
	for _, load := range loads {
		for _, d := range demands {
			if load.path == "" && d.envelope == "" {
				return &usageError{"an image from stdin has no file beside it: name its envelope with --signature"}
			}
			if _, err := d.check(ctx, a, load.path, sha256.Sum256(load.image)); err != nil {
				return err
			}
		}
	}
	return nil
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
