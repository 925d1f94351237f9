package sbom

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/utils"

	"rules_romfs/packager/artifact"
)

// created is the time that SPDX asks for: none that means anything, since the
// same image has the same bill. It is the first that all archive formats can
// write, as elsewhere in reproducible builds.
const created = "1980-01-01T00:00:00Z"

// noAssertion is SPDX's word for what nobody has said.
const noAssertion = "NOASSERTION"

// The image is a package with its files; packages are beside it, and each file
// says which one contains it.
func (b *Bill) writeSPDX(w io.Writer) error {
	doc := &spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT",
		DocumentName: b.Name, DocumentNamespace: "urn:rules_romfs:spdx:" + b.Image.SHA256.String(),
		CreationInfo: &spdx.CreationInfo{Created: created, Creators: []common.Creator{{CreatorType: "Tool", Creator: strings.TrimSuffix("romfs-"+b.Tool, "-")}}},
	}
	image := &spdx.Package{
		PackageName: b.Name, PackageSPDXIdentifier: "Image", PackageVersion: b.Version, PackageFileName: b.Name + ".romfs",
		PackageDownloadLocation: noAssertion, FilesAnalyzed: true, IsFilesAnalyzedTagPresent: true,
		PackageChecksums:        []common.Checksum{{Algorithm: common.SHA256, Value: b.Image.SHA256.String()}},
		PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: noAssertion, PackageCopyrightText: noAssertion,
		PrimaryPackagePurpose: "FIRMWARE",
	}
	doc.Packages = []*spdx.Package{image}
	related := func(a common.ElementID, relationship string, b common.ElementID) {
		doc.Relationships = append(doc.Relationships, &spdx.Relationship{RefA: common.MakeDocElementID("", string(a)), RefB: common.MakeDocElementID("", string(b)), Relationship: relationship})
	}
	related("DOCUMENT", "DESCRIBES", "Image")
	ids := map[*Package]common.ElementID{}
	others := b.Packages
	if c := b.MPYCross(); c != nil {
		others = append([]*Package{c}, others...)
	}
	for i, p := range others {
		ids[p] = common.ElementID(fmt.Sprintf("Package-%d", i))
		doc.Packages = append(doc.Packages, spdxPackage(doc, p, ids[p]))
	}
	if b.Compiler != "" {
		related(ids[others[0]], "BUILD_TOOL_OF", "Image")
	}
	fileIDs := map[string]common.ElementID{}
	for i := range b.Files {
		f := &b.Files[i]
		id := common.ElementID(fmt.Sprintf("File-%d", i))
		fileIDs[f.Path] = id
		doc.Files = append(doc.Files, spdxFile(f, id))
		in := common.ElementID("Image")
		if f.Parent != "" {
			in = fileIDs[f.Parent]
		}
		related(in, "CONTAINS", id)
		if f.Package != nil {
			related(ids[f.Package], "CONTAINS", id)
		}
	}
	if len(doc.Files) == 0 {
		image.FilesAnalyzed = false
	} else {
		code, err := utils.GetVerificationCode(doc.Files, "")
		if err != nil {
			return err
		}
		image.PackageVerificationCode = &code
	}
	return spdxjson.Write(doc, w, spdxjson.Indent("  "), spdxjson.EscapeHTML(false))
}

func spdxPackage(doc *spdx.Document, p *Package, id common.ElementID) *spdx.Package {
	return &spdx.Package{
		PackageName: p.Name, PackageSPDXIdentifier: id, PackageVersion: p.Version, PackageDownloadLocation: noAssertion,
		IsFilesAnalyzedTagPresent: true, PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: spdxLicense(doc, p), PackageCopyrightText: noAssertion,
		PackageExternalReferences: []*spdx.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: p.PURL}},
	}
}

// spdxLicense is a license as SPDX has it: by its identifier, or by a reference
// to the text that the package states.
func spdxLicense(doc *spdx.Document, p *Package) string {
	if p.License == "" {
		return noAssertion
	}
	if id, ok := licenseID(p.License); ok {
		return id
	}
	for _, l := range doc.OtherLicenses {
		if l.ExtractedText == p.License {
			return l.LicenseIdentifier
		}
	}
	ref := fmt.Sprintf("LicenseRef-%d", len(doc.OtherLicenses))
	doc.OtherLicenses = append(doc.OtherLicenses, &spdx.OtherLicense{LicenseIdentifier: ref, ExtractedText: p.License, LicenseName: noAssertion})
	return ref
}

func spdxFile(f *File, id common.ElementID) *spdx.File {
	kind := "OTHER"
	switch {
	case f.Kind == artifact.KindMPY || strings.HasSuffix(f.Path, ".mpy"):
		kind = "BINARY"
	case f.Kind == artifact.KindImage:
		kind = "ARCHIVE"
	case strings.HasSuffix(f.Path, ".py"):
		kind = "SOURCE"
	}
	out := &spdx.File{
		FileName: "./" + f.Path, FileSPDXIdentifier: id, FileTypes: []string{kind},
		Checksums: []common.Checksum{
			{Algorithm: common.SHA1, Value: hex.EncodeToString(f.SHA1[:])}, {Algorithm: common.SHA256, Value: f.SHA256.String()},
		},
		LicenseConcluded: noAssertion, LicenseInfoInFiles: []string{noAssertion}, FileCopyrightText: noAssertion,
	}
	if f.Source != "" {
		out.FileComment = "from " + f.Source
		if f.SourceSHA256 != nil {
			out.FileComment += " (sha256 " + f.SourceSHA256.String() + ")"
		}
		if f.Transform != "" {
			out.FileComment += " by " + f.Transform
		}
	}
	return out
}
