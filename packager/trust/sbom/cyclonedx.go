package sbom

import (
	"crypto/sha1" //nolint:gosec // see bill.go
	"encoding/hex"
	"fmt"
	"io"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"rules_romfs/packager/artifact"
)

// The image is the component that the document is about, each file one of its
// components, packages are libraries, and what was used to make it are tools.
func (b *Bill) writeCycloneDX(w io.Writer) error {
	bom := cdx.NewBOM()
	bom.SpecVersion = cdx.SpecVersion1_6
	bom.JSONSchema = "http://cyclonedx.org/schema/bom-1.6.schema.json"
	bom.SerialNumber = serial(b.Image.SHA256)
	image := cdx.Component{
		BOMRef: imageRef, Type: cdx.ComponentTypeFirmware, Name: b.Name, Version: b.Version,
		Hashes: hashes(b.Image.SHA256, nil),
	}
	if b.Board != "" {
		image.Properties = &[]cdx.Property{{Name: "rules_romfs:board", Value: b.Board}}
	}
	tools := []cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "romfs", Version: b.Tool}}
	if c := b.MPYCross(); c != nil {
		tools = append(tools, library(c, cdx.ComponentTypeApplication))
	}
	bom.Metadata = &cdx.Metadata{Component: &image, Tools: &cdx.ToolsChoice{Components: &tools}}
	components, dependencies := b.components()
	bom.Components, bom.Dependencies = &components, &dependencies
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6)
}

const imageRef = "image"

func fileRef(path string) string { return "file:" + path }

// components returns the packages and files, and what depends on what: the image
// on its files, a nested image on those in it, a file on its package.
func (b *Bill) components() ([]cdx.Component, []cdx.Dependency) {
	components := []cdx.Component{}
	for _, p := range b.Packages {
		components = append(components, library(p, cdx.ComponentTypeLibrary))
	}
	holds := map[string][]string{}
	for i := range b.Files {
		f := &b.Files[i]
		components = append(components, fileComponent(f))
		in := imageRef
		if f.Parent != "" {
			in = fileRef(f.Parent)
		}
		holds[in] = append(holds[in], fileRef(f.Path))
		if f.Package != nil {
			holds[fileRef(f.Path)] = append(holds[fileRef(f.Path)], f.Package.PURL)
		}
	}
	dependencies := []cdx.Dependency{}
	depends := func(ref string) {
		if on := holds[ref]; on != nil {
			dependencies = append(dependencies, cdx.Dependency{Ref: ref, Dependencies: &on})
		}
	}
	depends(imageRef)
	for i := range b.Files {
		depends(fileRef(b.Files[i].Path))
	}
	return components, dependencies
}

func fileComponent(f *File) cdx.Component {
	kind := cdx.ComponentTypeFile
	if f.Kind == artifact.KindImage {
		kind = cdx.ComponentTypeFirmware
	}
	c := cdx.Component{BOMRef: fileRef(f.Path), Type: kind, Name: f.Path, Hashes: hashes(f.SHA256, &f.SHA1)}
	var properties []cdx.Property
	for _, p := range []cdx.Property{
		{Name: "rules_romfs:kind", Value: f.Kind}, {Name: "rules_romfs:size", Value: fmt.Sprint(f.Size)}, {Name: "rules_romfs:source", Value: f.Source},
		{Name: "rules_romfs:source:sha256", Value: digestText(f.SourceSHA256)}, {Name: "rules_romfs:rule", Value: f.Rule}, {Name: "rules_romfs:transform", Value: f.Transform},
	} {
		if p.Value != "" {
			properties = append(properties, p)
		}
	}
	c.Properties = &properties
	return c
}

func digestText(d *artifact.Digest) string {
	if d == nil {
		return ""
	}
	return d.String()
}

// library is a package as a component.
func library(p *Package, kind cdx.ComponentType) cdx.Component {
	c := cdx.Component{BOMRef: p.PURL, Type: kind, Name: p.Name, Version: p.Version, PackageURL: p.PURL}
	if p.License != "" {
		choice := cdx.LicenseChoice{License: &cdx.License{Name: p.License}}
		if id, ok := licenseID(p.License); ok {
			choice.License = &cdx.License{ID: id}
		}
		c.Licenses = &cdx.Licenses{choice}
	}
	return c
}

func hashes(sum artifact.Digest, sha1sum *[sha1.Size]byte) *[]cdx.Hash {
	all := []cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum.String()}}
	if sha1sum != nil {
		all = append(all, cdx.Hash{Algorithm: cdx.HashAlgoSHA1, Value: hex.EncodeToString(sha1sum[:])})
	}
	return &all
}

// serial is a number for the document: a UUID of version 8 (RFC 9562, for one's
// own use) of the image's first 122 bits, since the same image has the same bill.
func serial(d artifact.Digest) string {
	u := d[:16]
	b := append([]byte(nil), u...)
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
