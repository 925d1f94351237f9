package sbom_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"runtime/debug"
	"slices"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/trust/sbom"
)

// TestProgram: the bill of a program names each of its modules, is what the
// official schema accepts, and is the same twice.
func TestProgram(t *testing.T) {
	t.Parallel()
	p := sbom.Program{Name: "romfs", Version: "0.9.0", SHA256: artifact.Digest(sha256.Sum256([]byte("program"))), Info: &debug.BuildInfo{
		GoVersion: "go1.26.1",
		Deps: []*debug.Module{
			{Path: "github.com/spf13/pflag", Version: "v1.0.9", Sum: "h1:b="},
			{Path: "example.com/was", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/is", Version: "v2.0.0", Sum: "h1:c="}},
			{Path: "example.com/a", Version: "v0.0.1", Sum: "h1:a="},
		},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "-trimpath", Value: "true"}, {Key: "vcs.time", Value: "2026-01-01"}},
	}}
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := p.WriteCycloneDX(b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same program has two bills")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t, "bom-1.6.schema.json").Validate(doc); err != nil {
		t.Error(err)
	}
	var bom cdx.BOM
	if err := json.Unmarshal(first.Bytes(), &bom); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range *bom.Components {
		got = append(got, c.PackageURL)
	}
	want := []string{"pkg:golang/example.com/a@v0.0.1", "pkg:golang/example.com/is@v2.0.0", "pkg:golang/github.com/spf13/pflag@v1.0.9", "pkg:golang/std@1.26.1"}
	if !slices.Equal(got, want) {
		t.Errorf("components are %q, want %q", got, want)
	}
	if bytes.Contains(first.Bytes(), []byte("2026-01-01")) {
		t.Error("the bill has a time in it")
	}
}
