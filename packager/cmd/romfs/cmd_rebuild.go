package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/mpy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/trust/intoto"
	"rules_romfs/packager/trust/provenance"
)

// rebuildResult is the result object of rebuild.
type rebuildResult struct {
	Same      bool                    `json:"same"`
	Stated    artifact.Digest         `json:"stated"`
	Built     artifact.Digest         `json:"built"`
	Materials []provenance.Difference `json:"materials"` // that are others than stated
}

func newRebuildCmd(a *app) *cobra.Command {
	var out, mpyCross string
	var offline bool
	cmd := &cobra.Command{
		Use:   "rebuild STATEMENT [DIR|MANIFEST]",
		Short: "Build an image again from its provenance, and say if it is the same",
		Long: `Build an image again as a statement of ` + "`romfs build --provenance`" + ` says, from the
checkout that one stands in, and compare its sha256: builds are reproducible, so
whoever has the sources can check what somebody else has built.

The manifest is looked for where the statement says, relative to the current
directory; name it where it lies elsewhere. The compiler is found as by
` + "`romfs build`" + `. Materials that are not those of the statement are listed.
Exit code 8: the image is another one.`,
		Example: "  romfs build --provenance\n  romfs rebuild app.romfs.provenance.json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			recipe, err := readRecipe(args[0])
			if err != nil {
				return err
			}
			path := filepath.FromSlash(recipe.Parameters.Path)
			if len(args) > 1 {
				path = args[1]
			} else if !filepath.IsLocal(path) {
				return &inputError{fmt.Errorf("%s was made of %s, which is not below this directory; go where it was built, or name the manifest", args[0], path)}
			}
			o := pack.Options{Path: path, MPYCross: mpyCross, Offline: offline, Getenv: a.getenv, Reporter: a.reporter, NoCache: true}
			o.CacheRoot, _ = mpy.CacheRoot(a.getenv) // for the compiler; what was compiled earlier proves nothing
			optionsOf(recipe.Parameters, &o)
			im, err := a.buildOne(cmd.Context(), o)
			if err != nil {
				return err
			}
			if out != "" {
				if _, err := im.Save(cmd.Context(), pack.Targets{Image: out}, a.reporter); err != nil {
					return err
				}
			}
			r, err := compare(cmd.Context(), recipe, im)
			if err != nil {
				return err
			}
			if err := a.result(r, r.print); err != nil {
				return err
			}
			if !r.Same {
				return &codedError{exitVerify, errors.New("the image is another one than the statement is about")}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&mpyCross, "mpy-cross", "", "compiler to use: the `file` of a mpy-cross")
	cmd.Flags().BoolVar(&offline, "offline", false, "do not fetch the compiler if it is not there")
	cmd.Flags().StringVarP(&out, "out", "o", "", "write the image to `file`, to compare it (romfs diff)")
	return cmd
}

// readRecipe reads from a statement how its image was made.
func readRecipe(file string) (*provenance.Recipe, error) {
	s, err := intoto.Read(file)
	if err != nil {
		return nil, err
	}
	recipe, err := provenance.Read(s)
	if err != nil {
		return nil, &inputError{fmt.Errorf("%s: %w", file, err)}
	}
	return recipe, nil
}

// buildOne builds the one image that the options choose.
func (a *app) buildOne(ctx context.Context, o pack.Options) (*pack.Image, error) {
	project, err := pack.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	images, err := project.Build(ctx)
	if err != nil {
		return nil, err
	}
	if len(images) != 1 {
		return nil, &inputError{errSeveral}
	}
	a.warn(images[0].Warnings)
	return images[0], nil
}

// compare holds an image that was built again against the recipe.
func compare(ctx context.Context, recipe *provenance.Recipe, im *pack.Image) (*rebuildResult, error) {
	built, err := im.Sidecar()
	if err != nil {
		return nil, err
	}
	now, err := statementOf(ctx, im, recipe.Parameters)
	if err != nil {
		return nil, err
	}
	resources, err := provenance.Resources(now)
	if err != nil {
		return nil, err
	}
	digest := built.Image.SHA256
	return &rebuildResult{digest == recipe.Image, recipe.Image, digest, recipe.Compare(resources)}, nil
}

func (r *rebuildResult) print(w io.Writer) error {
	for _, d := range r.Materials {
		if _, err := fmt.Fprintf(w, "%s: %s\n", d.Change, d.Name); err != nil {
			return err
		}
	}
	if r.Same {
		_, err := fmt.Fprintf(w, "the same: sha256 %s\n", r.Built)
		return err
	}
	_, err := fmt.Fprintf(w, "another: sha256 %s, stated is %s\n", r.Built, r.Stated)
	return err
}
