package bazel

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFindRequest(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"packager", "bin/deploy.request.json", "named.json"} {
		if err := os.MkdirAll(filepath.Dir(path(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// tools/run -> ../first -> bin/deploy -> ../packager, as somebody may link to a target
	if err := os.Mkdir(path("tools"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"bin/deploy": "../packager", "first": path("bin/deploy"), "tools/run": "../first", "loop": "loop"} {
		if err := os.Symlink(to, path(link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", path("tools"))
	request := path("bin/deploy.request.json")
	for _, test := range []struct{ argv0, env, want string }{
		{argv0: path("bin/deploy"), want: request},
		{argv0: path("first"), want: request},
		{argv0: path("tools/run"), want: request},
		{argv0: "run", want: request}, // through PATH
		{argv0: path("packager")},
		{argv0: path("loop")},
		{argv0: "nowhere"},
		{argv0: path("packager"), env: path("named.json"), want: path("named.json")},
		{argv0: path("bin/deploy"), env: path("named.json"), want: path("named.json")},
		{argv0: path("bin/deploy"), env: path("gone.json"), want: request}, // where there are no links to runfiles
	} {
		got := FindRequest(test.argv0, func(key string) string {
			if key == RequestVar {
				return test.env
			}
			return ""
		})
		if got != test.want {
			t.Errorf("started as %s with $%s=%q: request %q, want %q", test.argv0, RequestVar, test.env, got, test.want)
		}
	}
}

func TestRunfilesManifest(t *testing.T) {
	dir := t.TempDir()
	request := filepath.Join(dir, "deploy"+requestSuffix)
	file := filepath.Join(dir, `with space\`)
	for name, content := range map[string]string{
		file: "",
		filepath.Join(dir, "deploy.runfiles_manifest"): "_main/plain " + file + "\n _main/with\\sspace\\b " + filepath.Join(dir, `with space\b`) + "\n_main/gone " + dir + "/gone\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := findRunfiles(request, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"_main/plain", `_main/with space\`} {
		if got, err := r.path(name); err != nil || got != file {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"_main/gone", "_main/unknown"} {
		if got, err := r.path(name); !os.IsNotExist(err) {
			t.Errorf("%s is %q, %v, want that it does not exist", name, got, err)
		}
	}
	if _, err := findRunfiles(filepath.Join(dir, "other"+requestSuffix), func(string) string { return "" }); err == nil {
		t.Error("runfiles of a program that has none")
	}
}
