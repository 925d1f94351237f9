package sbom

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"rules_romfs/packager/artifact"
)

// A Program is an executable that Go has built, such as a released packager.
type Program struct {
	Name, Version string
	SHA256        artifact.Digest
	Info          *debug.BuildInfo // as Go wrote it into the program
}

// WriteCycloneDX writes what is in the program: each Go module by its version and
// the sum that go.sum has of it, and the Go standard library.
func (p *Program) WriteCycloneDX(w io.Writer) error {
	bom := cdx.NewBOM()
	bom.SpecVersion = cdx.SpecVersion1_6
	bom.JSONSchema = "http://cyclonedx.org/schema/bom-1.6.schema.json"
	bom.SerialNumber = serial(p.SHA256)
	main := cdx.Component{
		BOMRef: imageRef, Type: cdx.ComponentTypeApplication, Name: p.Name, Version: p.Version,
		Hashes: hashes(p.SHA256, nil), Properties: p.settings(),
	}
	bom.Metadata = &cdx.Metadata{Component: &main}
	modules := []*Package{{Name: "std", Version: strings.TrimPrefix(p.Info.GoVersion, "go"), License: "BSD-3-Clause", PURL: golang("std", strings.TrimPrefix(p.Info.GoVersion, "go"))}}
	sums := map[string]string{}
	for _, m := range p.Info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		purl := golang(m.Path, m.Version)
		modules = append(modules, &Package{Name: m.Path, Version: m.Version, PURL: purl})
		sums[purl] = m.Sum
	}
	slices.SortFunc(modules, func(a, b *Package) int { return strings.Compare(a.PURL, b.PURL) })
	var components []cdx.Component
	var refs []string
	for _, m := range modules {
		c := library(m, cdx.ComponentTypeLibrary)
		if sum := sums[m.PURL]; sum != "" {
			c.Properties = &[]cdx.Property{{Name: "go:sum", Value: sum}}
		}
		components = append(components, c)
		refs = append(refs, m.PURL)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: imageRef, Dependencies: &refs}}
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6)
}

// settings are those that decided the program: for which system it is, and how it
// was linked.
func (p *Program) settings() *[]cdx.Property {
	var all []cdx.Property
	for _, s := range p.Info.Settings {
		switch {
		case s.Key == "GOOS", s.Key == "GOARCH", s.Key == "CGO_ENABLED", strings.HasPrefix(s.Key, "-"):
			all = append(all, cdx.Property{Name: "go:" + s.Key, Value: s.Value})
		}
	}
	return &all
}

// golang is the package URL of a Go module, whose path stays one of slashes.
func golang(path, version string) string {
	return fmt.Sprintf("pkg:golang/%s@%s", path, version)
}
