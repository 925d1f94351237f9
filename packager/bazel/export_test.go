package bazel

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestExport: what a target writes for programmers is what the board's profile
// says, unless the target says otherwise.
func TestExport(t *testing.T) {
	w := newWorkspace(t, map[string]string{
		"app/romfs.yaml": "version: 1\nname: app\nboard: openmv-n6\nfiles: [{src: a.py, dest: /}]\n",
		"app/a.py":       "a = 1\n",
	})
	image, err := w.pack(target{label: "//app:image", manifest: "app/romfs.yaml", sources: []string{"app/a.py"}})
	if err != nil {
		t.Fatal(err)
	}
	write := func(flags ...string) error {
		return w.run("export", append([]string{"--label=@@//app:factory", "--packed=" + image, "--sidecar=" + image + ".json", "--out=out"}, flags...)...)
	}
	if err := write("--format=img", "--pad=none"); err != nil || w.read("out") != w.read(image) {
		t.Errorf("img is not the image: %v", err)
	}
	if err := write("--format=hex", "--pad=none", "--address=0x70800000"); err != nil {
		t.Fatal(err)
	}
	// The first record of data behind that of the upper address.
	lines := strings.Split(w.read("out"), "\n")
	if want := ":0200000470800A"; lines[0] != want || !strings.HasPrefix(lines[1], ":10000000"+strings.ToUpper(hex.EncodeToString([]byte(w.read(image)[:16])))) {
		t.Errorf("the file begins with %q", lines[:2])
	}
	for flag, want := range map[string]string{
		"--address=here":         `//app:factory: address is "here": write a number such as 0x10100000`,
		"--uf2-family=nobody":    "//app:factory: uf2_family: ",
		"--board=openmv-n7":      `no board is called "openmv-n7"`,
		"--board-file=none.yaml": "none.yaml",
	} {
		os.Remove("out")
		if err := write("--format=uf2", flag); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", flag, err, want)
		}
		if _, err := os.Stat("out"); err == nil {
			t.Errorf("%s: there is a file all the same", flag)
		}
	}
}
