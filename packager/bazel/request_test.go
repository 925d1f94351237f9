package bazel

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// request is one whose runfiles are the files of a directory.
func request(t *testing.T, files map[string]string) *Request {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &Request{Label: "//app:deploy", files: &runfiles{dir: dir}}
}

// TestPorts: the port of a deploy is the user's, else the target's, else what
// the ports file has for the target; in a test the environment comes first.
func TestPorts(t *testing.T) {
	for _, test := range []struct {
		kind, port, env string
		args            []string
		named           bool
		want            []string // behind --port, one each
	}{
		{kind: "deploy", port: "/dev/a", named: true, want: []string{"/dev/a"}},
		{kind: "deploy", named: true, want: []string{"//app:deploy"}},
		{kind: "deploy"},
		{kind: "deploy", port: "/dev/a", args: []string{"--port=/dev/b"}, named: true},
		{kind: "deploy", port: "/dev/a", env: "/dev/c", want: []string{"/dev/a"}},
		{kind: testKind, port: "/dev/a", env: "/dev/c"},
		{kind: testKind, port: "/dev/a", want: []string{"/dev/a"}},
	} {
		t.Setenv(portVar, test.env)
		r := request(t, map[string]string{"_main/app/image.romfs": ""})
		r.Kind = test.kind
		r.Deploys = []Deploy{{Target: "//app:deploy", Image: "_main/app/image.romfs", Port: test.port}}
		commands, err := r.Commands(test.args, func(name string) bool { return test.named && name == "//app:deploy" })
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, arg := range commands[0].Args {
			if arg == "--port" {
				got = append(got, commands[0].Args[i+1])
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%+v: ports %q", test, got)
		}
	}
}

// TestLocations: what a target writes as $(location ...) is a file's path here.
func TestLocations(t *testing.T) {
	r := request(t, map[string]string{"_main/app/image.romfs": "", "third/tool": ""})
	r.Env = map[string]string{"TOOL": "a {runfile:third/tool} b {runfile:_main/app/image.romfs}"}
	r.Deploys = []Deploy{{Image: "_main/app/image.romfs", Flags: []string{"--dfu-util={runfile:third/tool}"}}}
	commands, err := r.Commands(nil, nobody)
	if want := "--dfu-util=" + filepath.Join(r.files.dir, "third/tool"); err != nil || !slices.Contains(commands[0].Args, want) {
		t.Errorf("%q, %v, want %s", commands, err, want)
	}
	env := map[string]string{}
	if err := r.Prepare(func(key, value string) error { env[key] = value; return nil }); err != nil {
		t.Fatal(err)
	}
	if want := "a " + filepath.Join(r.files.dir, "third/tool") + " b " + filepath.Join(r.files.dir, "_main/app/image.romfs"); env["TOOL"] != want {
		t.Errorf("$TOOL is %q, want %q", env["TOOL"], want)
	}
	r.Deploys[0].Flags = []string{"{runfile:gone}"}
	if _, err := r.Commands(nil, nobody); err == nil || !strings.HasPrefix(err.Error(), "//app:deploy: ") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestNoInterpreter: a machine without one says so where it is wanted.
func TestNoInterpreter(t *testing.T) {
	r := request(t, map[string]string{"_main/app/image.romfs": ""})
	r.MicroPythonProblem = "no MicroPython interpreter on this machine: there is no apt-get"
	r.Deploys = []Deploy{{Image: "_main/app/image.romfs", Port: "sim:"}}
	if _, err := r.Commands(nil, nobody); err == nil || err.Error() != "//app:deploy: "+r.MicroPythonProblem {
		t.Errorf("sim: without an interpreter: %v", err)
	}
	if _, err := r.Commands([]string{"--port", "/dev/ttyACM0"}, nobody); err != nil {
		t.Errorf("a real board: %v", err)
	}
}

// TestBudgets: limits of folders and of growth.
func TestBudgets(t *testing.T) {
	w := newWorkspace(t, map[string]string{
		"app/romfs.yaml":    "version: 1\nname: app\nfiles: [{src: \"**\", dest: /}]\nexclude: [romfs.yaml]\n",
		"app/lib/a.bin":     strings.Repeat("a", 100),
		"app/lib/sub/b.bin": strings.Repeat("b", 100),
		"app/library.bin":   strings.Repeat("c", 100),
	})
	image, err := w.pack(target{label: "//app:image", manifest: "app/romfs.yaml", sources: []string{"app/lib/a.bin", "app/lib/sub/b.bin", "app/library.bin"}})
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(w.read(image)))
	for _, test := range []struct {
		test Test
		want string // in a line that says FAIL, or behind it; empty: it passes
	}{
		{Test{MaxSizes: []MaxOf{{"lib", 200}, {"/lib/", 200}, {"lib/*.bin", 100}, {"**/*.bin", 300}, {"/", 300}}}, ""},
		{Test{MaxSizes: []MaxOf{{"lib", 199}}}, "its 2 files have 200 bytes, 1 too many"},
		{Test{MaxSizes: []MaxOf{{"libs", 199}}}, "no file is in such a directory or matches"},
		{Test{Growth: &Growth{Base: "base"}}, ""},
		{Test{Growth: &Growth{Base: "smaller"}}, "10 too many"},
		{Test{Growth: &Growth{Base: "smaller", Bytes: 10}}, ""},
		{Test{Growth: &Growth{Base: "smaller", Percent: 10}}, ""},
		{Test{Growth: &Growth{Base: "smaller", Percent: 1}}, " too many"},
	} {
		r := request(t, map[string]string{"image": w.read(image), "base": strings.Repeat(" ", int(size)), "smaller": strings.Repeat(" ", int(size)-10)})
		test.test.Image = "image"
		r.Test = &test.test
		var out bytes.Buffer
		err := r.RunTest(context.Background(), &out, nil)
		if (err == nil) != (test.want == "") || !strings.Contains(out.String(), test.want) {
			t.Errorf("%+v: %v\n%s\nwant %q", test.test, err, out.String(), test.want)
		}
	}
}

// TestSign: an envelope goes into the source tree, and without one into the
// current directory; the user's flags come last, and so override.
func TestSign(t *testing.T) {
	r := request(t, map[string]string{"_main/app/image.romfs": "", "_main/app/pub.pem": ""})
	r.Kind = "sign"
	r.Sign = &Sign{Image: "_main/app/image.romfs", Out: "app/image.romfs.dsse.json", Flags: []string{"--key={runfile:_main/app/pub.pem}"}}
	path := func(name string) string { return filepath.Join(r.files.dir, "_main", "app", name) }
	for _, test := range []struct{ root, out string }{
		{"/src", filepath.FromSlash("/src/app/image.romfs.dsse.json")},
		{"", "image.romfs.dsse.json"},
	} {
		t.Setenv(workspaceVar, test.root)
		commands, err := r.Commands([]string{"--out=x"}, nobody)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"sign", path("image.romfs"), "--out", test.out, "--key=" + path("pub.pem"), "--out=x"}
		if len(commands) != 1 || !slices.Equal(commands[0].Args, want) {
			t.Errorf("in %q: %v, want %v", test.root, commands, want)
		}
	}
}

// TestDemand: what a target demands of a signature cannot be made less.
func TestDemand(t *testing.T) {
	r := request(t, map[string]string{"image.romfs": "", "pub.pem": "", "image.dsse.json": ""})
	path := func(name string) string { return filepath.Join(r.files.dir, name) }
	for _, test := range []struct {
		signature string
		args      []string
		want      string // the flags, or a part of the error
	}{
		{signature: "image.dsse.json", want: "--key " + path("pub.pem") + " --signature " + path("image.dsse.json")},
		{args: []string{"--signature=own"}, want: "--key " + path("pub.pem") + " --signature=own"},
		{want: "//app:deploy: require_signature asks for a signature, and there is no envelope"},
		{signature: "image.dsse.json", args: []string{"--key", "own.pem"}, want: "//app:deploy: require_signature says by which keys"},
		{signature: "image.dsse.json", args: []string{"--key=own.pem"}, want: "//app:deploy: require_signature says by which keys"},
	} {
		r.Deploys = []Deploy{{Target: "//app:deploy", Image: "image.romfs", RequireSignature: []string{"pub.pem"}, Signature: test.signature}}
		got := ""
		if commands, err := r.Commands(test.args, nobody); err != nil {
			got = err.Error()
		} else {
			got = strings.Join(commands[0].Args[2:], " ")
		}
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%q with %v: %s, want %s", test.signature, test.args, got, test.want)
		}
	}
}

// nobody is named in the ports file.
func nobody(string) bool { return false }
