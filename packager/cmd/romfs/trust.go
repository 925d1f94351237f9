package main

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/images"
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

// A trusted is what an image has to be signed by: the keys that were read, of which
// one is enough, and the envelope; "": the one beside the image.
type trusted struct {
	keys     []*sign.PublicKey
	envelope string
}

// read reads the keys.
func (f *trustFlags) read(a *app) (*trusted, error) {
	if len(f.keys) == 0 && f.envelope != "" {
		return nil, &usageError{"--signature is checked by a key: name it with --key"}
	}
	t := &trusted{envelope: f.envelope}
	for _, name := range f.keys {
		k, err := (sign.Keys{Getenv: a.getenv}).Public(name)
		if err != nil {
			return nil, err
		}
		t.keys = append(t.keys, k)
	}
	return t, nil
}

// check returns the id of the key that has signed the image of that digest, which
// lies at path; "" for a stream.
func (t *trusted) check(ctx context.Context, path string, digest artifact.Digest) (string, error) {
	envelope := t.envelope
	if envelope == "" {
		if path == "" {
			return "", &usageError{"an image from stdin has no file beside it: name its envelope with --signature"}
		}
		envelope = sign.Path(path)
	}
	k, err := sign.Check(ctx, envelope, cmp.Or(path, "standard input"), digest, t.keys)
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
func (f *demandFlags) check(ctx context.Context, a *app, loads []*images.Image, profile *board.Profile, keys map[string]string) error {
	demands := []trustFlags{}
	if len(f.keys) > 0 || f.envelope != "" {
		demands = append(demands, f.trustFlags)
	}
	own := slices.Collect(maps.Values(keys))
	if profile != nil {
		own = append(own, profile.Key)
	}
	slices.Sort(own)
	for _, key := range slices.Compact(own) {
		if key != "" {
			demands = append(demands, trustFlags{[]string{key}, f.envelope})
		}
	}
	if f.required && len(demands) == 0 {
		return &usageError{"--require-signature: no key is named; name it with --key, or as require_signature in the ports file or the board file"}
	}
	for _, d := range demands {
		t, err := d.read(a)
		if err != nil {
			return err
		}
		for _, im := range loads {
			if _, err := t.check(ctx, im.Path, im.SHA256); err != nil {
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
	t, err := f.read(a)
	if err != nil {
		return err
	}
	m, err := romfs.Open(in.Data, in.Length)
	if err != nil {
		return nil // the verdict on the image says it
	}
	id, err := artifact.Identify(io.NewSectionReader(in.Data, 0, m.Size()))
	if err != nil {
		return err
	}
	*signer, err = t.check(ctx, in.Path, id.SHA256)
	return err
}
