package transform_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/transform"
	"rules_romfs/packager/transform/haar"
)

// standIn puts a shell script on PATH, in front of what was there, and returns
// the folder in which it may leave notes.
func standIn(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	text = "#!/bin/sh\nset -e\nNOTES='" + dir + "'\n" + text
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
		t.Fatal(err)
	}
	onPath(t, filepath.Join(dir, name))
	return dir
}

// stedgeai is a stand-in for ST's program, which nobody may pass on. It notes
// what it is called with, and makes what that one makes where that one does.
const stedgeai = `
if [ "$1" = --version ]; then echo "ST Edge AI Core v3.0.0-20426 0123abc"; exit; fi
for a; do echo "$a"; done >"$NOTES/args"
env | cut -d= -f1 | sort >"$NOTES/env"
cat >"$NOTES/stdin"
ls >"$NOTES/files"
model= workspace=
while [ $# -gt 0 ]; do
  case $1 in
  --model) model=$2 ;;
  --workspace) workspace=$2 ;;
  esac
  shift
done
mkdir -p "$workspace/network_npu_reloc_build"
{ printf NBIN; cat "$model"; } >"$workspace/network_npu_reloc_build/network_rel.bin"
`

// TestSTEdgeAI: the command line for the N6 is OpenMV's own, what it leaves
// behind is packed, and what is packed so is not converted again.
func TestSTEdgeAI(t *testing.T) {
	notes := standIn(t, "stedgeai", stedgeai)
	t.Setenv("MAKEFLAGS", "-j8") // which ST's makefiles would take for theirs
	t.Setenv("SECRET", "x")
	const manifest = `version: 1
name: models
board: openmv-n6
files:
  - src: models/*.tflite
    dest: models/
    transform:
      preset: stedgeai
      args: [--st-neural-art, "default@{inputs[0]}"]
      inputs: [stai/neuralart.json, stai/stm32n6.mpool]
`
	files := map[string][]byte{"models/a.tflite": []byte("TFL3 a"), "models/done.tflite": []byte("NBIN done"),
		"stai/neuralart.json": []byte("{}"), "stai/stm32n6.mpool": []byte("pool")}
	_, image, s := build(t, pack.Options{Path: project(t, manifest, files)})
	if got, f := content(t, image, s, "models/a.tflite"); string(got) != "NBINTFL3 a" || f.Offset%32 != 0 || f.Transform.Version != "ST Edge AI Core v3.0.0-20426 0123abc" {
		t.Errorf("%q at %d, made by %+v", got, f.Offset, f.Transform)
	}
	if got, f := content(t, image, s, "models/done.tflite"); string(got) != "NBIN done" || f.Transform.Kept != "converted" {
		t.Errorf("%q, %+v", got, f.Transform)
	}
	note := func(name string) string {
		data, err := os.ReadFile(filepath.Join(notes, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	want := "generate --target stm32n6 --model a.tflite --relocatable --st-neural-art default@neuralart.json " +
		"--workspace ../out/workspace --output ../out/output --verbosity 1 --quiet"
	if got := strings.Join(strings.Fields(note("args")), " "); got != want {
		t.Errorf("it was called with\n%s, want\n%s", got, want)
	}
	if got := note("files"); got != "a.tflite\nneuralart.json\nstm32n6.mpool\n" {
		t.Errorf("it was run among\n%s", got)
	}
	if got := note("stdin"); got != "" {
		t.Errorf("it could read %q", got)
	}
	if env := note("env"); strings.Contains(env, "MAKEFLAGS") || strings.Contains(env, "SECRET") {
		t.Errorf("it was run with\n%s", env)
	}
}

// TestSTEdgeAICoreDir: the variable that ST's program is configured by is the
// one of the user's that it gets, and version 4 puts its result elsewhere.
func TestSTEdgeAICoreDir(t *testing.T) {
	notes := standIn(t, "stedgeai", strings.NewReplacer("--workspace)", "--output)", "/network_npu_reloc_build", "").Replace(stedgeai)+`echo "$STEDGEAI_CORE_DIR" >"$NOTES/core"`)
	path := project(t, "version: 1\nname: m\nboard: openmv-n6\nfiles: [{src: a.tflite, dest: b.tflite, transform: stedgeai}]\n", map[string][]byte{"a.tflite": []byte("TFL3")})
	getenv := func(name string) string { return map[string]string{"STEDGEAI_CORE_DIR": "/opt/st"}[name] }
	im, err := pack.Build(t.Context(), pack.Options{Path: path, Offline: true, Getenv: getenv, Reporter: discard})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := im.WriteTo(&b); err != nil || !bytes.Contains(b.Bytes(), []byte("NBINTFL3")) {
		t.Errorf("%v, image %q", err, b.Bytes())
	}
	if core, err := os.ReadFile(filepath.Join(notes, "core")); string(core) != "/opt/st\n" {
		t.Errorf("%q, %v", core, err)
	}
	if args, _ := os.ReadFile(filepath.Join(notes, "args")); !strings.Contains(string(args), "--st-neural-art\n--workspace") {
		t.Errorf("without args of its own it was called with\n%s", args)
	}
}

const twoPresets = `version: 1
name: models
files:
  - src: models/*.tflite
    dest: models/
    transform: {preset: vela, args: [--accelerator-config, ethos-u55-128]}
  - src: n6/*.tflite
    dest: n6/
    transform: {preset: stedgeai, args: [--target=stm32n6]}
  - src: more/*.tflite
    dest: more/
    transform: {preset: vela, args: [--accelerator-config=ethos-u55-256]}
  - src: data/*.csv
    dest: data/
    transform: {run: [tools/pack_table, "{in}", "{out}"]}
`

// TestMissing: one error names every tool that is not there once, with its
// files and with how to get it; or the sources are packed, with a warning each.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	files := map[string][]byte{"models/a.tflite": []byte("a"), "models/b.tflite": []byte("b"), "models/old.tflite": []byte("..ethos-u.."),
		"n6/c.tflite": []byte("c"), "more/d.tflite": []byte("d"), "data/e.csv": []byte("e")}
	o := pack.Options{Path: project(t, twoPresets, files), Offline: true, Getenv: os.Getenv, Reporter: discard}
	_, err := pack.Build(t.Context(), o)
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.ReplaceAll(err.Error(), filepath.Dir(o.Path)+string(filepath.Separator), "")
	want := []string{
		"romfs.yaml:6:16: files[0].transform: there is no usable vela (not found in PATH), which is to convert models/a.tflite, models/b.tflite, more/d.tflite; " +
			"install it with `python3 -m pip install ethos-u-vela`, or pack the sources as they are with --skip-missing-transforms",
		"romfs.yaml:9:16: files[1].transform: there is no usable stedgeai (not found in PATH), which is to convert n6/c.tflite; " +
			"install STEdgeAI Core from ST's site (st.com, X-CUBE-AI) and add its folder to PATH, or pack the sources as they are with --skip-missing-transforms",
		"romfs.yaml:15:16: files[3].transform: there is no usable tools/pack_table (there is no such file beside the manifest), which is to convert data/e.csv; " +
			"pack the sources as they are with --skip-missing-transforms",
	}
	if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var missing *transform.MissingError
	if !errors.As(err, &missing) {
		t.Errorf("%T", err)
	}

	o.SkipMissingTransforms = true
	o.Allow = append(o.Allow, "not-as-named") // these are no models
	im, image, s := build(t, o)
	for name, data := range files {
		if name == "romfs.yaml" {
			continue
		}
		got, f := content(t, image, s, name)
		if !bytes.Equal(got, data) || *f.SourceSHA256 != f.SHA256 {
			t.Errorf("%s holds %q", name, got)
		}
		kept := "missing"
		if name == "models/old.tflite" {
			kept = "converted"
		}
		if f.Transform == nil || f.Transform.Kept != kept || f.Transform.Version != "" || f.Transform.Args != nil {
			t.Errorf("%s: %+v", name, f.Transform)
		}
	}
	if len(im.Warnings) != 5 {
		t.Errorf("%d warnings: %v", len(im.Warnings), im.Warnings)
	}
	for _, w := range im.Warnings {
		if w.Code != pack.WarnTransform || !strings.Contains(w.Message, "is packed as it is: there is no usable") {
			t.Errorf("%+v", w)
		}
	}
}

// TestNoNPU: a board without the NPU of a preset takes models as they are, and
// needs no tool; without a board, nothing says what to convert for.
func TestNoNPU(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	const manifest = "version: 1\nname: m\nfiles:\n  - {src: a.tflite, dest: a.tflite, transform: vela}\n  - {src: a.tflite, dest: b.tflite, transform: stedgeai}\n"
	path := project(t, manifest, map[string][]byte{"a.tflite": model(t)})
	im, _, s := build(t, pack.Options{Path: path, Board: "openmv-h7-plus"})
	for _, name := range []string{"a.tflite", "b.tflite"} {
		if why := im.Input(name).Why; !strings.HasPrefix(why, "openmv-h7-plus has no NPU that ") {
			t.Errorf("explain says %q of %s", why, name)
		}
	}
	if want := (artifact.Transform{Preset: "vela", Kept: "no-npu"}); !cmp.Equal(*s.Files[0].Transform, want) || len(im.Warnings) > 0 {
		t.Errorf("%+v, %v", s.Files[0].Transform, im.Warnings)
	}
	if im, _, _ := build(t, pack.Options{Path: path, Board: "openmv-n6", SkipMissingTransforms: true}); im.Input("a.tflite").Why != "openmv-n6 has no NPU that vela converts for" {
		t.Errorf("the NPU of another maker counts as vela's: %s", im.Input("a.tflite").Why)
	}

	_, err := pack.Build(t.Context(), pack.Options{Path: path, Offline: true, Getenv: os.Getenv, Reporter: discard})
	if err == nil || !strings.Contains(err.Error(), "romfs.yaml:4:48: files[0].transform: preset vela has to know the NPU") ||
		!strings.Contains(err.Error(), "romfs.yaml:5:48: files[1].transform: preset stedgeai has to know") || !strings.Contains(err.Error(), "--board") {
		t.Errorf("%v", err)
	}
}

// TestBrokenTool: a launcher whose package has gone is as good as none.
func TestBrokenTool(t *testing.T) {
	standIn(t, "vela", "echo 'ModuleNotFoundError: No module named ethosu' >&2; exit 1\n")
	path := project(t, velaManifest, map[string][]byte{"models/model.tflite": model(t), "models/model.txt": nil})
	_, err := pack.Build(t.Context(), pack.Options{Path: path, Offline: true, Getenv: os.Getenv, Reporter: discard})
	if err == nil || !strings.Contains(err.Error(), "vela --version: exit status 1: ModuleNotFoundError: No module named ethosu") {
		t.Errorf("%v", err)
	}
}

// TestHaar: an OpenCV cascade becomes what packager/transform/haar makes of it, under
// the name that OpenMV's scripts look for.
func TestHaar(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // it is built in
	source, err := os.ReadFile(filepath.Join("haar", "testdata", "new.xml"))
	if err != nil {
		t.Fatal(err)
	}
	build1 := func(args string, source []byte) ([]byte, artifact.File) {
		manifest := "version: 1\nname: m\nboard: openmv-m4\nfiles:\n  - src: cascades/*.xml\n    dest: cascades/\n    transform: " + args + "\n"
		_, image, s := build(t, pack.Options{Path: project(t, manifest, map[string][]byte{"cascades/eye.xml": source})})
		return content(t, image, s, "cascades/eye.cascade")
	}
	for args, stages := range map[string]int{"haar": 0, `{preset: haar, args: [--stages, "1"]}`: 1, `{preset: haar, args: ["--stages=1"]}`: 1} {
		want, err := haar.Convert(bytes.NewReader(source), stages)
		if err != nil {
			t.Fatal(err)
		}
		got, f := build1(args, source)
		if !bytes.Equal(got, want) || f.Transform.Preset != "haar" || f.Transform.Kept != "" || f.Source != "cascades/eye.xml" || *f.SourceSHA256 != sha256.Sum256(source) {
			t.Errorf("%s: %d bytes, want %d; %+v", args, len(got), len(want), f.Transform)
		}
		again, f := build1(args, got)
		if !bytes.Equal(again, got) || f.Transform.Kept != "converted" {
			t.Errorf("%s: a converted cascade became %d bytes; %+v", args, len(again), f.Transform)
		}
	}
	for _, args := range []string{"[--stages]", "[--stages, many]", "[--stages, '-1']", "[--fast]"} {
		manifest := "version: 1\nname: m\nfiles:\n  - src: eye.xml\n    transform: {preset: haar, args: " + args + "}\n"
		o := pack.Options{Path: project(t, manifest, map[string][]byte{"eye.xml": source}), Offline: true, Getenv: os.Getenv, Reporter: discard}
		if _, err := pack.Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "romfs.yaml:5:16: files[0].transform: eye.xml: haar: ") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// TestImages: of a manifest for both cores of the AE3, each image has the model
// for its core, and a program that both lack is missing once.
func TestImages(t *testing.T) {
	const manifest = `version: 1
name: both
board: openmv-ae3
images:
  - partition: romfs0
    files: [{src: a.tflite, transform: vela}]
  - partition: romfs1
    files:
      - {src: a.tflite, transform: vela}
      - {image: inner/romfs.yaml, dest: inner.romfs}
`
	const inner = "version: 1\nname: inner\nfiles: [{src: b.tflite, transform: vela}]\n"
	path := project(t, manifest, map[string][]byte{"a.tflite": []byte("a"), "inner/romfs.yaml": []byte(inner), "inner/b.tflite": []byte("b")})
	o := pack.Options{Path: path, Offline: true, Getenv: os.Getenv, Reporter: discard}
	p, err := pack.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	old := os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir())
	_, err = p.Build(t.Context())
	if err == nil || !strings.Contains(err.Error(), "romfs.yaml:6:40: images[0].files[0].transform: there is no usable vela (not found in PATH), which is to convert a.tflite, b.tflite; ") ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}

	t.Setenv("PATH", old)
	standIn(t, "vela", `[ "$1" != --version ] || { echo 5; exit; }
for last; do :; done
echo "$2 for $last" >"../out/${last%.tflite}_vela.tflite"
`)
	images, err := p.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{{"ethos-u55-256 for a.tflite"}, {"ethos-u55-128 for a.tflite", "ethos-u55-128 for b.tflite"}} {
		var b bytes.Buffer
		if _, err := images[i].WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !bytes.Contains(b.Bytes(), []byte(text)) {
				t.Errorf("image %d has no %q", i, text)
			}
		}
	}
}

// TestUserInstall: a launcher finds the package that `pip install --user` put
// beside it, although HOME is another folder during a run.
func TestUserInstall(t *testing.T) {
	base := t.TempDir()
	// Outside of a virtual environment, which would hide a user's packages.
	const ask = "import sys, sysconfig; print(sys._base_executable); print(sysconfig.get_path('purelib', 'posix_user', {'userbase': sys.argv[1]}))"
	out, err := exec.Command("python3", "-c", ask, base).Output()
	if err != nil {
		t.Fatal(err)
	}
	python, packages, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	launcher, module := filepath.Join(base, "bin", "vela"), filepath.Join(packages, "ethosu_stand_in.py")
	for path, text := range map[string]string{
		launcher: "#!" + python + "\nimport ethosu_stand_in\nethosu_stand_in.main()\n",
		module: `import os, sys
def main():
    if sys.argv[1] == "--version":
        print("5.2.0")
        return
    stem = sys.argv[-1].removesuffix(".tflite")
    with open(f"../out/{stem}_vela.tflite", "w") as f:
        f.write(f"converted, HOME {os.listdir(os.environ['HOME'])}")
`,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	onPath(t, launcher)
	_, image, s := build(t, pack.Options{Path: project(t, velaManifest, map[string][]byte{"models/model.tflite": model(t), "models/model.txt": nil})})
	if got, _ := content(t, image, s, "models/model.tflite"); string(got) != "converted, HOME []" {
		t.Errorf("%q", got)
	}
}
