package bazel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/trust/sbom"
)

// A packageRecord is what the targets of the build say about one package.
type packageRecord struct {
	PURL    string `json:"purl"`
	Name    string `json:"name"`
	Version string `json:"version"`
	License string `json:"license"`
	// Descriptions are files about it: those of package managers, and of
	// @package_metadata.
	Descriptions []string `json:"descriptions"`
	Sources      []string `json:"sources"` // labels of its files
}

// packages writes which package each file of an image is of.
func (a *Action) packages(_ context.Context, f *flags) error {
	byLabel := map[string]*sbom.Package{}
	for i := range f.packageOf {
		p, err := f.packageOf[i].read()
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		for _, label := range f.packageOf[i].Sources {
			if label = shortLabel(label); byLabel[label] == nil {
				byLabel[label] = p
			}
		}
	}
	var origins map[string]string
	if err := readJSON(f.origins, &origins); err != nil {
		return err
	}
	byPath := map[string]*sbom.Package{}
	for file, label := range origins {
		if p := byLabel[label]; p != nil {
			byPath[file] = p
		}
	}
	if err := f.addNested(byPath); err != nil {
		return err
	}
	return writeJSON(f.out, byPath)
}

// addNested adds what is known of the images in the image.
func (f *flags) addNested(byPath map[string]*sbom.Package) error {
	if len(f.nested) == 0 {
		return nil
	}
	sidecar, err := artifact.Load(f.sidecar)
	if err != nil {
		return err
	}
	for _, n := range f.nested {
		var inner map[string]*sbom.Package
		if err := readJSON(n.path, &inner); err != nil {
			return err
		}
		for i := range sidecar.Files {
			if file := &sidecar.Files[i]; file.Kind == artifact.KindImage && file.Source == n.name {
				for name, p := range inner {
					byPath[path.Join(file.Path, name)] = p
				}
			}
		}
	}
	return nil
}

// read completes what the targets say by what is in the files, and returns nil
// where all of it names no package.
func (r *packageRecord) read() (*sbom.Package, error) {
	p := &sbom.Package{Name: r.Name, Version: r.Version, License: r.License, PURL: r.PURL}
	for _, file := range r.Descriptions {
		if err := describe(p, file); err != nil {
			return nil, err
		}
	}
	switch {
	case p.PURL != "":
		named, err := sbom.ParsePURL(p.PURL)
		if err != nil {
			return nil, err
		}
		p.Name, p.Version = cmp.Or(p.Name, named.Name), cmp.Or(p.Version, named.Version)
	case p.Name != "":
		p.PURL = sbom.GenericPURL(p.Name, p.Version)
	default:
		return nil, nil
	}
	return p, nil
}

// describe adds what a file says.
func describe(p *sbom.Package, file string) error {
	var said *sbom.Package
	switch {
	case strings.HasSuffix(file, ".package-metadata.json"):
		var m struct {
			PURL string `json:"purl"`
		}
		if err := readJSON(file, &m); err != nil {
			return err
		}
		var err error
		if said, err = sbom.ParsePURL(m.PURL); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	case strings.HasSuffix(file, ".package-attribute.json"):
		var m struct {
			Kind json.RawMessage `json:"kind"` // of a licence, an object
		}
		if err := readJSON(file, &m); err != nil {
			return err
		}
		var kind struct {
			Identifier, Name string
		}
		if json.Unmarshal(m.Kind, &kind) == nil {
			said = &sbom.Package{License: cmp.Or(kind.Identifier, kind.Name)}
		}
	default:
		var err error
		if said, err = sbom.Describe(file); err != nil {
			return err
		}
	}
	if said != nil {
		p.PURL, p.License = cmp.Or(p.PURL, said.PURL), cmp.Or(p.License, said.License)
		if said.Name != "" {
			p.Name, p.Version = said.Name, cmp.Or(said.Version, p.Version)
		}
	}
	return nil
}

// sbom writes the bill of materials of an image.
func (a *Action) sbom(_ context.Context, f *flags) error {
	format, err := sbom.ParseFormat(f.format)
	if err != nil {
		return err
	}
	image, err := os.ReadFile(f.image)
	if err != nil {
		return err
	}
	sidecar, err := artifact.Load(f.sidecar)
	if err != nil {
		return err
	}
	var packages map[string]*sbom.Package
	if err := readJSON(f.packages, &packages); err != nil {
		return err
	}
	bill, err := sbom.New(image, sidecar, packages, a.Version)
	if err != nil {
		return err
	}
	out, err := os.Create(f.out)
	if err != nil {
		return err
	}
	return errors.Join(bill.Write(out, format), out.Close())
}
