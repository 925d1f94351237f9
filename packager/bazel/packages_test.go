package bazel

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"rules_romfs/packager/trust/sbom"
)

// TestPackages: what is known of a package comes together from targets and
// files, and the nearer of two counts.
func TestPackages(t *testing.T) {
	w := newWorkspace(t, map[string]string{
		// As @package_metadata writes them (its rules package_metadata.bzl and license.bzl).
		"out/meta.package-metadata.json":     `{"attributes":{"build.bazel.attribute.license":"bazel-out/k8-fastbuild/bin/license.package-attribute.json"},"label":"@@dep+//:meta","purl":"pkg:pypi/bus%20lib@1.2?x=y#sub"}`,
		"out/license.package-attribute.json": `{"kind":{"identifier":"MIT","name":"MIT License"},"label":"@@dep+//:license","text":"LICENSE"}`,
		"out/other.package-attribute.json":   `{"kind":"something else"}`,
		"third/six-1.dist-info/METADATA":     "Metadata-Version: 2.4\nName: Six\nVersion: 1.17.0\nLicense-Expression: MIT\n\n",
		"lib/aiorepl/manifest.py":            "metadata(version=\"0.2.2\", license=\"MIT\")\n",
		"origins.json":                       `{"bus.mpy":"//lib:bus.py","six.mpy":"@pip//:six.py","aiorepl.mpy":"//lib:aiorepl.py","app.mpy":"//app:app.py","named.mpy":"//app:named.py"}`,
	})
	record := func(r packageRecord) string {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return "--package=" + string(text)
	}
	run := func(records ...packageRecord) error {
		args := []string{"--label=@@//app:image", "--sidecar=none", "--origins=origins.json", "--out=packages.json"}
		for _, r := range records {
			args = append(args, record(r))
		}
		return w.run("packages", args...)
	}
	err := run(
		packageRecord{Descriptions: []string{"out/meta.package-metadata.json", "out/license.package-attribute.json", "out/other.package-attribute.json"}, Sources: []string{"@@//lib:bus.py"}},
		packageRecord{PURL: "pkg:generic/outer@1", Sources: []string{"@@//lib:bus.py", "@@//app:none.py"}},
		packageRecord{Name: "pip_six", Descriptions: []string{"third/six-1.dist-info/METADATA"}, Sources: []string{"@pip//:six.py"}},
		packageRecord{Descriptions: []string{"lib/aiorepl/manifest.py"}, Sources: []string{"@@//lib:aiorepl.py"}},
		packageRecord{License: "MIT", Sources: []string{"@@//app:app.py"}}, // of nobody knows what
		packageRecord{Name: "named", Version: "3", Sources: []string{"@@//app:named.py"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]sbom.Package
	if err := json.Unmarshal([]byte(w.read("packages.json")), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]sbom.Package{
		"bus.mpy":     {Name: "bus lib", Version: "1.2", License: "MIT", PURL: "pkg:pypi/bus%20lib@1.2?x=y#sub"},
		"six.mpy":     {Name: "Six", Version: "1.17.0", License: "MIT", PURL: "pkg:pypi/six@1.17.0"},
		"aiorepl.mpy": {Name: "aiorepl", Version: "0.2.2", License: "MIT", PURL: "pkg:generic/micropython-lib/aiorepl@0.2.2"},
		"named.mpy":   {Name: "named", Version: "3", PURL: "pkg:generic/named@3"},
	}
	for path, p := range want {
		if got[path] != p {
			t.Errorf("%s: %+v, want %+v", path, got[path], p)
		}
	}
	if len(got) != len(want) {
		t.Errorf("packages of %d files: %v", len(got), got)
	}

	for _, purl := range []string{"bus@1.2", "pkg:bus", "pkg:pypi/", "pkg:pypi/%zz"} {
		err := run(packageRecord{PURL: purl, Sources: []string{"@@//lib:bus.py"}})
		if err == nil || !strings.HasPrefix(err.Error(), "//app:image: ") || !strings.Contains(err.Error(), "no package URL") {
			t.Errorf("purl %s: %v", purl, err)
		}
	}
	if err := os.Remove("third/six-1.dist-info/METADATA"); err != nil {
		t.Fatal(err)
	}
	if err := run(packageRecord{Descriptions: []string{"out/gone.package-metadata.json"}}); err == nil {
		t.Error("a description that is not there is no error")
	}
}
