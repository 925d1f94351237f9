package bazel

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// script is a transform of a user's: its source, and an input, in capitals.
const script = `#!/bin/sh
cat "$1" "$3" | tr a-z A-Z >"$2"
`

var transformed = map[string]string{
	"app/romfs.yaml": `version: 1
name: app
board: openmv-n6
files:
  - src: data/*.txt
    dest: /
    transform:
      run: [tools/capitals, "{in}", "{out}", "{inputs[0]}"]
      inputs: [more.cfg]
      output: "{stem}.bin"
  - {src: plain.dat, dest: /}
`,
	"app/data/a.txt": "abc\n", "app/data/b.txt": "xyz\n", "app/more.cfg": "12\n", "app/plain.dat": "as it is", "app/tools/capitals": script,
}

// transform runs the transform actions of an image, as the rules do, and packs it.
func (w *workspace) transform(names, planFlags, runFlags []string) (string, error) {
	const out = "bazel-out/k8/bin/app/image.romfs.d/"
	args := []string{"--label=@@//app:image", "--manifest=app/romfs.yaml", "--manifest-name=app/romfs.yaml", "--out=" + out + "plan.json"}
	pack := []string{"--label=@@//app:image", "--plan=" + out + "plan.json"}
	for _, name := range names {
		w.write(out+name+".json", "")
		args = append(args, "--src="+name, "--options="+name+"\t"+out+name+".json")
		pack = append(pack, fmt.Sprintf("--src=%splan.json\t%s\t%s\t%s\t@@//:%s", out, name, name, out+name+".transformed", name))
	}
	if err := w.run("plan", append(args, planFlags...)...); err != nil {
		return "", err
	}
	for _, name := range names {
		err := w.run("transform", append([]string{
			"--label=@@//app:image", "--name=" + name, "--source=" + name, "--options-file=" + out + name + ".json", "--out=" + out + name + ".transformed",
		}, runFlags...)...)
		if err != nil {
			return "", err
		}
	}
	const image = "bazel-out/k8/bin/app/image.romfs"
	if err := w.run("effective", append(pack, "--out=bazel-out/k8/bin/app/image.effective.yaml")...); err != nil {
		return "", err
	}
	return image, w.run("pack", append(pack, "--out="+image, "--digest="+image+".sha256", "--origins="+image+".origins.json")...)
}

var sources = []string{"app/data/a.txt", "app/data/b.txt", "app/more.cfg", "app/plain.dat"}

// TestTransform: the image, the sidecar and what the effective manifest makes
// are the CLI's.
func TestTransform(t *testing.T) {
	w := newWorkspace(t, transformed)
	if err := os.Chmod("app/tools/capitals", 0o755); err != nil {
		t.Fatal(err)
	}
	image, err := w.transform(sources, []string{"--tool=tools/capitals", "--input=app/more.cfg"}, []string{"--tool=tools/capitals\tapp/tools/capitals", "--input=app/more.cfg\tapp/more.cfg"})
	if err != nil {
		t.Fatal(err)
	}
	w.cli("app/romfs.yaml", image)
	if got := w.read(image); !strings.Contains(got, "ABC\n12\n") || !strings.Contains(got, "XYZ\n12\n") || !strings.Contains(got, "as it is") {
		t.Errorf("the image lacks what the transform makes: %q", got)
	}
	if got, want := w.read("bazel-out/k8/bin/app/image.effective.yaml"), `"transform":{"run":["../../../../app/tools/capitals","{in}","{out}","{inputs[0]}"],"inputs":["app/more.cfg"],"output":"a.bin"}}`; !strings.Contains(got, want) {
		t.Errorf("the effective manifest lacks %s:\n%s", want, got)
	}
	w.same("bazel-out/k8/bin/app/image.effective.yaml", image)
	if got := w.read("bazel-out/k8/bin/app/image.romfs.d/app/plain.dat.transformed"); got != "" {
		t.Errorf("what no rule transforms became %q", got)
	}
}

func TestTransformMistakes(t *testing.T) {
	known := []string{"--tool=tools/capitals", "--input=app/more.cfg"}
	given := []string{"--tool=tools/capitals\tapp/tools/capitals", "--input=app/more.cfg\tapp/more.cfg"}
	const preset = "version: 1\nname: app\nboard: openmv-n6\nfiles:\n  - {src: plain.dat, dest: /, transform: %s}\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		plan  []string
		want  string
	}{
		{"an executable that is not declared", nil, known[1:],
			`//app:image: app/romfs.yaml:8:7: files[0].transform: tools/capitals is an executable that Bazel must know; add {"//LABEL:OF_IT": "tools/capitals"} to transforms of //app:image`},
		{"an input that is not declared", nil, known[:1],
			`files[0].transform: "more.cfg" is a file that Bazel must know as an input of transforms; add "//app:more.cfg" to transform_inputs of //app:image`},
		{"a preset's program", map[string]string{"app/romfs.yaml": fmt.Sprintf(preset, "stedgeai")}, known,
			`files[0].transform: stedgeai is an executable that Bazel must know; add {"//LABEL:OF_IT": "stedgeai"} to transforms of //app:image`},
		{"a program that fails", map[string]string{"app/tools/capitals": "#!/bin/sh\necho no such table >&2\nexit 3\n"}, known, "no such table"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorkspace(t, transformed)
			for name, content := range test.files {
				w.write(name, content)
			}
			if err := os.Chmod("app/tools/capitals", 0o755); err != nil {
				t.Fatal(err)
			}
			if _, err := w.transform(sources, test.plan, given); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got:  %v\nwant: %s", err, test.want)
			}
		})
	}
}

// TestReadTransformed: no damage to what an action wrote is packed.
func TestReadTransformed(t *testing.T) {
	w := newWorkspace(t, transformed)
	if err := os.Chmod("app/tools/capitals", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := w.transform(sources, []string{"--tool=tools/capitals", "--input=app/more.cfg"}, []string{"--tool=tools/capitals\tapp/tools/capitals", "--input=app/more.cfg\tapp/more.cfg"}); err != nil {
		t.Fatal(err)
	}
	const path = "bazel-out/k8/bin/app/image.romfs.d/app/data/a.txt.transformed"
	whole := w.read(path)
	if _, made, err := readTransformed(path, 0, 1); err != nil || string(made) != "ABC\n12\n" {
		t.Fatalf("%q, %v", made, err)
	}
	for n := range whole {
		w.write(path, whole[:n])
		if _, _, err := readTransformed(path, 0, 1); err == nil {
			t.Errorf("the first %d of %d bytes passed", n, len(whole))
		}
	}
	w.write(path, whole[:len(whole)-1]+"x")
	if _, _, err := readTransformed(path, 0, 1); err == nil {
		t.Error("another last byte passed")
	}
}
