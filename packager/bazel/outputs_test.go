package bazel

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOutputs: what is made beside an image: its bill of materials, its place under
// the name that says its content, and the check of its budget.
func TestOutputs(t *testing.T) {
	w := newWorkspace(t, files)
	image, err := w.pack(app, library)
	if err != nil {
		t.Fatal(err)
	}
	w.stderr.Reset() // of what there is to say about the files
	plan, sidecar := "--plan="+app.out()+".romfs.d/plan.json", "--sidecar="+image+".json"
	if err := w.run("validate", "--label=@@//app:image", plan, sidecar, "--out=valid"); err != nil || w.read("valid") != "" || w.stderr.Len() > 0 {
		t.Errorf("%v, %s", err, w.stderr.String())
	}
	for budget, want := range map[string]string{"{max: 100}": "is more than", "{max: 1MiB, warn: 100}": ""} {
		os.Remove("valid")
		w.write("app/romfs.yaml", strings.Replace(files["app/romfs.yaml"], "{max: 1MiB}", budget, 1))
		if _, err := w.plan(app); err != nil {
			t.Fatal(err)
		}
		w.stderr.Reset()
		err := w.run("validate", "--label=@@//app:image", plan, sidecar, "--out=valid")
		_, valid := os.Stat("valid")
		if (err != nil) != (want != "") || (valid != nil) != (err != nil) {
			t.Errorf("%s: %v, %v", budget, err, valid)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "//app:image: app/romfs.yaml:6:") || !strings.Contains(err.Error(), "models/odd.tflite (4.9 KiB)")) {
			t.Errorf("%s: %v", budget, err)
		}
		if text := w.stderr.String(); want == "" && !strings.HasPrefix(text, "warning: //app:image: app/romfs.yaml:6:") {
			t.Errorf("%s: %q", budget, text)
		}
	}

	if err := os.Mkdir("published", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := w.run("publish", "--label=@@//app:image", "--packed="+image, sidecar, "--out-dir=published"); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("published", "app-"+w.read(image + ".sha256")[:12]+".romfs")
	if w.read(name) != w.read(image) || w.read(name+".json") != w.read(image+".json") {
		t.Errorf("%s is not the image, or its sidecar", name)
	}

	w.write("packages.json", `{"drivers/bus.mpy": {"name": "bus", "version": "1.2", "purl": "pkg:generic/bus@1.2"}}`)
	for format, want := range map[string]string{"cyclonedx": `"bomFormat": "CycloneDX"`, "spdx": `"SPDX-2.3"`} {
		if err := w.run("sbom", "--label=@@//app:image", "--format="+format, "--packed="+image, sidecar, "--packages=packages.json", "--out=bill"); err != nil {
			t.Fatal(err)
		}
		if text := w.read("bill"); !strings.Contains(text, want) || !strings.Contains(text, "pkg:generic/bus@1.2") {
			t.Errorf("%s: %s", format, text)
		}
	}
}

// TestMissingInputs: whichever of its files an action does not find, its error begins
// with the target, and there is no output.
func TestMissingInputs(t *testing.T) {
	w := newWorkspace(t, measured)
	measuredApp := target{label: "//app:image", manifest: "app/romfs.yaml", sources: []string{"app/table.py", "app/small.py", "app/broken.py", "app/pins.py"}}
	image, err := w.pack(measuredApp)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := w.plan(measuredApp)
	if err != nil {
		t.Fatal(err)
	}
	w.write("packages.json", "{}")
	plan, packed, sidecar := "--plan="+measuredApp.out()+".romfs.d/plan.json", "--packed="+image, "--sidecar="+image+".json"
	for verb, args := range map[string][]string{
		"plan":      {"--manifest=app/romfs.yaml"},
		"validate":  {plan, sidecar},
		"publish":   {packed, sidecar},
		"sbom":      {"--format=spdx", packed, sidecar, "--packages=packages.json"},
		"packages":  {"--origins=" + image + ".origins.json", sidecar, "--nested=inner\tpackages.json"},
		"export":    {"--format=img", "--pad=none", packed, sidecar},
		"report":    {packed, sidecar, plan, "--ram=" + image + ".ram.json", "--base=" + image},
		"pack":      append([]string{plan}, sources...),
		"effective": append([]string{plan}, sources...),
		"ram":       append([]string{plan, packed}, sources...),
	} {
		for i, arg := range args {
			flag, value, _ := strings.Cut(arg, "=")
			if flag == "--src" || flag == "--pad" {
				continue
			}
			changed := slices.Clone(args)
			changed[i] = flag + "=" + strings.ReplaceAll(value, filepath.Base(value), "gone")
			if flag == "--nested" {
				changed[i] = "--nested=inner\tgone"
			}
			err := w.run(verb, append(changed, "--label=@@//app:image", "--out=out", "--digest=out", "--origins=out")...)
			if verb == "packages" {
				err = w.run(verb, append(changed, "--label=@@//app:image", "--out=out")...)
			}
			if err == nil || !strings.HasPrefix(err.Error(), "//app:image: ") {
				t.Errorf("%s with %q: %v", verb, changed[i], err)
			}
			if _, err := os.Stat("out"); err == nil {
				t.Errorf("%s with %q: there is an output", verb, changed[i])
				os.Remove("out")
			}
		}
	}
	for _, args := range [][]string{{}, {"none"}, {"plan", "--none"}, {"plan", "rest"}, {"plan", "@gone"}, {"plan", "--src=a\tb"}, {"plan", "--image=a\tb"},
		{"plan", "--tool=a\tb\tc"}, {"plan", "--input=a\tb\tc"}, {"plan", "--options=a"}, {"plan", "--nested=a"}, {"plan", "--package={"}} {
		if err := (&Action{Stderr: &w.stderr}).Run(t.Context(), args); err == nil || !strings.HasPrefix(err.Error(), "romfs bazel") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
