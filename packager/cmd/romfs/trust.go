package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/board"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/report"
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

// check returns the key, of those that were read, that has signed the image of that
// digest, which lies at path, and remembers the envelope; nil where no key is asked for.
func (f *trustFlags) check(ctx context.Context, keys []*sign.PublicKey, path string, digest artifact.Digest, known *sign.Known) (*sign.PublicKey, error) {
	if len(keys) == 0 {
		if f.envelope != "" {
			return nil, &usageError{"--signature is checked by a key: name it with --key"}
		}
		return nil, nil
	}
	envelope := cmp.Or(f.envelope, sign.Path(path))
	k, err := sign.Check(ctx, envelope, path, digest, keys)
	if err != nil {
		return nil, err
	}
	known.KeepFile(digest, envelope)
	return k, nil
}

// known is where the envelopes are kept that were met here.
func (a *app) known(off bool) *sign.Known {
	root, err := mpy.CacheRoot(a.getenv)
	if off || err != nil {
		return sign.OpenKnown("")
	}
	return sign.OpenKnown(filepath.Join(root, "envelopes"))
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
// or the ports file demands, before any board is touched, and notes who has signed
// them. keys are those of the ports that were chosen.
func (f *demandFlags) check(ctx context.Context, a *app, loads []*payload, profile *board.Profile, keys []string, known *sign.Known) error {
	demands := []trustFlags{}
	if len(f.keys) > 0 || f.envelope != "" {
		demands = append(demands, f.trustFlags)
	}
	for _, key := range otherKeys(profile, keys) {
		demands = append(demands, trustFlags{[]string{key}, f.envelope})
	}
	if f.required && len(demands) == 0 {
		return &usageError{"--require-signature: no key is named; name it with --key, or as require_signature in the ports file or the board file"}
	}
	for _, d := range demands {
		keys, err := d.public(a)
		if err != nil {
			return err
		}
		for _, load := range loads {
			if load.Path == "" && d.envelope == "" {
				return &usageError{"an image from stdin has no file beside it: name its envelope with --signature"}
			}
			k, err := d.check(ctx, keys, load.Path, load.SHA256, known)
			if err != nil {
				return err
			}
			load.signers = append(load.signers, k)
		}
	}
	for _, load := range loads {
		if len(demands) == 0 && load.Path != "" {
			known.KeepFile(load.SHA256, sign.Path(load.Path)) // who asks the board later may have a key
		}
	}
	return nil
}

// otherKeys are those that a board's file and the ports file name, each once.
func otherKeys(profile *board.Profile, ofPorts []string) []string {
	all := slices.Clone(ofPorts)
	if profile != nil {
		all = append(all, profile.Key)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(key string) bool { return key == "" })
}

// askFlags name the keys by which the signature of an image on a board is told.
type askFlags struct{ keys []string }

func (f *askFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "say whether this public `key` has signed the image: a PEM file, or env:NAME; may be repeated")
}

// public reads the keys, and those that the board's file and the ports file name.
func (f *askFlags) public(a *app, profile *board.Profile, ofPorts []string) ([]*sign.PublicKey, error) {
	t := trustFlags{keys: slices.Concat(f.keys, otherKeys(profile, ofPorts))}
	return t.public(a)
}

// findingText says for people what is known of an image's signature; "" where
// there is nothing to say.
func findingText(f *sign.Finding, keys []*sign.PublicKey) string {
	switch f.Status {
	case sign.Signed:
		return fmt.Sprintf("signed by key %.12s (%s)", f.Key, report.Name(f.Name))
	case sign.Unsigned:
		return fmt.Sprintf("not signed by the key that is asked for: the signatures that are known here name %s", sign.ShortIDs(f.Others))
	case sign.Unchecked:
		return fmt.Sprintf("a signature is known here that names key %s; --key checks it", sign.ShortIDs(f.Others))
	}
	if len(keys) > 0 {
		return "no signature of it is known here"
	}
	return ""
}

// verify is check for an image that is open. What is no image has no signature
// either, which is not said twice.
func (f *trustFlags) verify(ctx context.Context, a *app, in *inspect.Source, signer **sign.PublicKey) error {
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
	keys, err := f.public(a)
	if err != nil {
		return err
	}
	*signer, err = f.check(ctx, keys, in.Name, id.SHA256, a.known(false))
	return err
}
