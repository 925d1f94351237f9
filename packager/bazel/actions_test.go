package bazel

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
)

// A workspace runs the actions of targets as Bazel does: each with a file of
// arguments, in the workspace's root, with outputs below bazel-out.
type workspace struct {
	t        *testing.T
	root     string
	compiler string
	stderr   bytes.Buffer
}

func newWorkspace(t *testing.T, files map[string]string) *workspace {
	t.Helper()
	w := &workspace{t: t, root: t.TempDir(), compiler: peer.MpyCross(t)}
	for name, content := range files {
		w.write(name, content)
	}
	t.Chdir(w.root)
	return w
}

func (w *workspace) write(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *workspace) read(name string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.root, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

func (w *workspace) run(verb string, args ...string) error {
	w.t.Helper()
	w.write("args", strings.Join(args, "\n")+"\n")
	a := &Action{Stderr: &w.stderr}
	return a.Run(context.Background(), []string{verb, "@args"})
}

// A target is an image or a library with its sources.
type target struct {
	label, manifest string
	sources         []string
	flags           []string
}

func (t target) out() string { return "bazel-out/k8/bin/" + strings.ReplaceAll(t.label[2:], ":", "/") }

// plan runs the plan action and the compile actions, and returns the flags
// that a pack action needs of the target.
func (w *workspace) plan(t target) ([]string, error) {
	w.t.Helper()
	out := t.out() + ".romfs.d/"
	args := []string{"--label=@@" + t.label, "--manifest=" + t.manifest, "--manifest-name=" + t.manifest, "--mpy-cross-version=1.29.0", "--out=" + out + "plan.json"}
	w.write(out+"plan.json", "")
	var pack []string
	for _, s := range t.sources {
		args = append(args, "--src="+s)
		compiled := ""
		if stem, ok := strings.CutSuffix(s, ".py"); ok {
			args = append(args, "--options="+s+"\t"+out+stem+".json")
			w.write(out+stem+".json", "")
			compiled = out + stem + ".mpy"
		}
		pack = append(pack, fmt.Sprintf("--src=%splan.json\t%s\t%s\t%s\t@@//:%s", out, s, s, compiled, s))
	}
	if err := w.run("plan", append(args, t.flags...)...); err != nil {
		return nil, err
	}
	for _, s := range t.sources {
		if stem, ok := strings.CutSuffix(s, ".py"); ok {
			err := w.run("compile", "--label=@@"+t.label, "--name="+s, "--source="+s, "--options-file="+out+stem+".json",
				"--mpy-cross="+w.compiler, "--mpy-cross-version=1.29.0", "--out="+out+stem+".mpy")
			if err != nil {
				return nil, err
			}
		}
	}
	return pack, nil
}

// pack makes the image of a target, with libraries, and returns its path.
func (w *workspace) pack(t target, libraries ...target) (string, error) {
	w.t.Helper()
	own, err := w.plan(t)
	if err != nil {
		return "", err
	}
	args := append([]string{"--label=@@" + t.label, "--plan=" + t.out() + ".romfs.d/plan.json"}, own...)
	for _, l := range libraries {
		flags, err := w.plan(l)
		if err != nil {
			return "", err
		}
		args = append(append(args, "--library="+l.out()+".romfs.d/plan.json"), flags...)
	}
	for _, f := range t.flags {
		if strings.HasPrefix(f, "--board") {
			args = append(args, f)
		}
	}
	image := t.out() + ".romfs"
	err = w.run("pack", append(args, "--mpy-cross-version=1.29.0", "--out="+image, "--digest="+image+".sha256", "--origins="+image+".origins.json")...)
	if err != nil {
		return "", err
	}
	if err := w.run("effective", append(args, "--out="+t.out()+".effective.yaml")...); err != nil {
		return "", err
	}
	return image, nil
}

// same builds a manifest as the CLI does and compares the image.
func (w *workspace) same(manifest, image string) *pack.Image {
	w.t.Helper()
	built, err := pack.Build(context.Background(), pack.Options{Path: manifest, MPYCross: w.compiler, Offline: true, Getenv: os.Getenv, Reporter: report.Discard()})
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", manifest, err, w.read(manifest))
	}
	var b bytes.Buffer
	if _, err := built.WriteTo(&b); err != nil {
		w.t.Fatal(err)
	}
	if b.String() != w.read(image) {
		w.t.Errorf("%s: the CLI's image has %d bytes and is not Bazel's, of %d", manifest, b.Len(), len(w.read(image)))
	}
	return built
}

// cli is same that compares the sidecar, too.
func (w *workspace) cli(manifest, image string) {
	w.t.Helper()
	built := w.same(manifest, image)
	sidecar, err := built.Sidecar()
	if err != nil {
		w.t.Fatal(err)
	}
	data, err := sidecar.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	if string(data) != w.read(image+".json") {
		w.t.Errorf("%s: the CLI's sidecar:\n%s\nBazel's:\n%s", manifest, data, w.read(image+".json"))
	}
}

var files = map[string]string{
	"app/romfs.yaml": `version: 1
name: app
board: openmv-n6
layout: stable
dedup: true
budget: {max: 1MiB}
align:
  - {match: "**/*.table", to: 128}
mpy: {optimize: 1}
files:
  - src: src/**/*.py
    dest: /
    mpy: {optimize: 3}
  - src: src/util.py          # a second time, with other options
    dest: again/util.py
  - src: "[odd] {name}*.bin"
    dest: models/odd.tflite
    align: 256
    bulk: true
  - {src: src/util.py, dest: as_it_is/util.py, mpy: false}
  - mkdir: data
`,
	"app/src/main.py":         "import util\n",
	"app/src/util.py":         "def f(x):\n    assert x\n    return x\n",
	"app/[odd] {name}*.bin":   strings.Repeat("model", 1000),
	"lib/drivers/bus.py":      "class Bus:\n    pass\n",
	"lib/drivers/gains.table": "0123456789",
	"lib/library.json":        `{"version": 1, "name": "library", "root": "..", "files": [{"src": "lib/drivers/bus.py", "dest": "drivers/bus.py"}, {"src": "lib/drivers/gains.table", "dest": "drivers/gains.table"}]}`,
}

var (
	app     = target{label: "//app:image", manifest: "app/romfs.yaml", sources: []string{"app/[odd] {name}*.bin", "app/src/main.py", "app/src/util.py"}}
	library = target{label: "//lib:drivers", manifest: "lib/library.json", sources: []string{"lib/drivers/bus.py", "lib/drivers/gains.table"}}
)

func init() {
	// A literal source with characters of patterns has them escaped.
	files["app/romfs.yaml"] = strings.Replace(files["app/romfs.yaml"], `"[odd] {name}*.bin"`, `'\[odd\] \{name\}\*.bin'`, 1)
}

func TestSameAsCLI(t *testing.T) {
	w := newWorkspace(t, files)
	image, err := w.pack(app)
	if err != nil {
		t.Fatal(err)
	}
	w.cli("app/romfs.yaml", image)

	image, err = w.pack(app, library)
	if err != nil {
		t.Fatal(err)
	}
	w.cli("bazel-out/k8/bin/app/image.effective.yaml", image)
	for _, want := range []string{
		`{"src":"app/src/util.py","dest":"again/util.py","mpy":{"compile":true,"keep_source":[],"optimize":1,`,
		`{"src":"app/src/main.py","dest":"main.py","mpy":false}`,
		`{"src":"app/\\[odd\\] \\{name\\}\\*.bin","dest":"models/odd.tflite","align":256,"bulk":true}`,
		`{"src":"lib/drivers/gains.table","dest":"drivers/gains.table"}`,
		`{"mkdir":"data"}`,
		`align: [{"match":"**/*.table","to":128}]`,
	} {
		if got := w.read("bazel-out/k8/bin/app/image.effective.yaml"); !strings.Contains(got, want) {
			t.Errorf("the effective manifest lacks %s:\n%s", want, got)
		}
	}
	if got := w.read(image + ".json"); !strings.Contains(got, `"path": "drivers/gains.table",`) || !strings.Contains(got, `"align": 128,`) {
		t.Errorf("the manifest's align list has not reached the library's table:\n%s", got)
	}
	if got, want := w.read(image+".origins.json"), `"drivers/bus.mpy": "//:lib/drivers/bus.py"`; !strings.Contains(got, want) {
		t.Errorf("origins lack %s:\n%s", want, got)
	}
}

// TestOneOfSeveralImages: the partition chooses the image of a manifest with
// several, and it is the one that `romfs build -p` makes.
func TestOneOfSeveralImages(t *testing.T) {
	w := newWorkspace(t, map[string]string{
		"app/romfs.yaml": "version: 1\nname: app\nboard: openmv-ae3\nimages:\n" +
			"  - {partition: romfs0, files: [{src: a.py, dest: /}]}\n  - {partition: romfs1, files: [{src: b.py, dest: /}]}\n",
		"app/a.py": "a = 1\n", "app/b.py": "b = 1\n",
	})
	for _, partition := range []string{"romfs0", "romfs1"} {
		image, err := w.pack(target{label: "//app:" + partition, manifest: "app/romfs.yaml", sources: []string{"app/a.py", "app/b.py"}, flags: []string{"--partition=" + partition}})
		if err != nil {
			t.Fatal(err)
		}
		built, err := pack.Build(context.Background(), pack.Options{Path: "app/romfs.yaml", Partition: partition, MPYCross: w.compiler, Offline: true, Getenv: os.Getenv, Reporter: report.Discard()})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := built.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		if b.String() != w.read(image) {
			t.Errorf("%s: the CLI's image has %d bytes and is not Bazel's, of %d", partition, b.Len(), len(w.read(image)))
		}
	}
}

func TestMistakes(t *testing.T) {
	large := strings.Repeat("x", 200_000)
	clash := library
	clash.label, clash.manifest = "//lib:clash", "lib/clash.json"
	for _, test := range []struct {
		name      string
		files     map[string]string
		change    func(*target)
		libraries []target
		want      []string
	}{
		{
			name:   "undeclared",
			change: func(a *target) { a.sources = a.sources[1:] },
			want:   []string{`//app:image: app/romfs.yaml:16:10: files[2].src: there is no file "[odd] {name}*.bin"; add "//app:[odd] {name}*.bin" to srcs of //app:image`},
		},
		{
			name:  "a pattern in another repository",
			files: map[string]string{"app/romfs.yaml": "version: 1\nname: app\nroot: ..\nfiles: [{src: external/third/**/*.py}]\n"},
			want:  []string{`//app:image: app/romfs.yaml:4:15: files[0].src: "external/third/**/*.py" matches no file`, `add the target of @third that has "**/*.py" to srcs of //app:image, or to deps if it is a py_library or romfs_library`},
		},
		{
			name:  "a file of another repository",
			files: map[string]string{"app/romfs.yaml": "version: 1\nname: app\nroot: ..\nfiles: [{src: external/third/drivers/bus.py}]\n"},
			want:  []string{`there is no file "external/third/drivers/bus.py"`, `add the target of @third that has "drivers/bus.py" to srcs of //app:image, or to deps`},
		},
		{
			name:  "outside of the workspace",
			files: map[string]string{"app/romfs.yaml": "version: 1\nname: app\nroot: ../..\nfiles: []\n"},
			want:  []string{`//app:image: app/romfs.yaml:3:7: root: "../.." lies outside of the workspace; set it to a directory below the workspace's root`},
		},
		{
			name:  "a board file that Bazel does not know",
			files: map[string]string{"app/romfs.yaml": "version: 1\nname: app\nboard: boards/own.yaml\nfiles: []\n"},
			want:  []string{`//app:image: app/romfs.yaml:3:8: board: a board file is an input that Bazel must know; write a romfs_board(profile = "own.yaml"), and name it in the attribute board of //app:image`},
		},
		{
			name:  "syntax",
			files: map[string]string{"app/src/util.py": "def f(:\n"},
			want:  []string{"//app:image: app/src/util.py:1: SyntaxError: invalid syntax"},
		},
		{
			name: "two sources for one destination",
			files: map[string]string{
				"lib/clash.json": `{"version": 1, "name": "library", "root": "..", "files": [{"src": "lib/drivers/bus.py", "dest": "util.py"}]}`,
			},
			libraries: []target{clash},
			want:      []string{`//app:image: app/romfs.yaml:11:10: files[0]: "app/src/util.py" of //app:image and "lib/drivers/bus.py" of //lib:clash both go to "util.mpy"; exclude one of them, or give it another dest`},
		},
		{
			name:   "too large for the manifest's board",
			files:  map[string]string{"app/romfs.yaml": "version: 1\nname: app\nboard: openmv-m4\nfiles:\n  - {src: big.bin, dest: /}\n", "app/big.bin": large},
			change: func(a *target) { a.sources = []string{"app/big.bin"} },
			want:   []string{"//app:image: app/romfs.yaml:3:8: the image has 200032 bytes, which is 68960 more than partition romfs0 of openmv-m4 holds (131072); its largest files: big.bin (195.3 KiB); leave some out"},
		},
		{
			name:   "too large for the manifest's partition",
			files:  map[string]string{"app/romfs.yaml": "version: 1\nname: app\nboard: openmv-m4\npartition: romfs0\nfiles:\n  - {src: big.bin, dest: /}\n", "app/big.bin": large},
			change: func(a *target) { a.sources = []string{"app/big.bin"} },
			want:   []string{"//app:image: app/romfs.yaml:4:12: the image has 200032 bytes"},
		},
		{
			name:  "too large for the target's board",
			files: map[string]string{"app/romfs.yaml": "version: 1\nname: app\nboard: openmv-n6\nfiles:\n  - {src: big.bin, dest: /}\n", "app/big.bin": large},
			change: func(a *target) {
				a.sources, a.flags = []string{"app/big.bin"}, []string{"--board=openmv-m4"}
			},
			want: []string{"//app:image: app/romfs.yaml:5:3: the image has 200032 bytes"},
		},
		{
			name:  "several at once",
			files: map[string]string{"app/romfs.yaml": "version: 1\nname: app\nfiles:\n  - {src: a.bin, dest: a}\n  - {src: b.bin, dest: b}\n"},
			want: []string{
				`//app:image: app/romfs.yaml:4:11: files[0].src: there is no file "a.bin"; add "//app:a.bin" to srcs of //app:image`,
				`//app:image: app/romfs.yaml:5:11: files[1].src: there is no file "b.bin"; add "//app:b.bin" to srcs of //app:image`,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorkspace(t, files)
			for name, content := range test.files {
				w.write(name, content)
			}
			a := app
			if test.change != nil {
				test.change(&a)
			}
			_, err := w.pack(a, test.libraries...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got:  %v\nwant: %s", err, want)
				}
			}
		})
	}
}
