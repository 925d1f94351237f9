package importer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/importer"
)

// readManifests has MicroPython's own module read manifests: a list of
// [path, variables], from stdin. It prints for each the files with what the
// firmware's build would do to them, or its error.
const readManifests = `
import json, sys
sys.path.insert(0, sys.argv[1])
import manifestfile
results = []
for path, variables in json.load(sys.stdin):
    m = manifestfile.ManifestFile(manifestfile.MODE_FREEZE, variables)
    try:
        m.execute(path)
        files = [{"Path": f.full_path, "Dest": f.target_path, "Opt": f.opt or 0, "Version": f.metadata.version or "",
                  "Kind": {v: k for k, v in vars(manifestfile).items() if k.startswith("KIND_")}[f.kind]} for f in m.files()]
        results.append({"Files": files})
    except Exception as e:
        results.append({"Error": str(e)})
json.dump(results, sys.stdout)
`

// A manifestFile is a manifest.py and the variables of its paths.
type manifestFile struct {
	path string
	vars map[string]string
}

type manifestResult struct {
	Error string
	Files []struct {
		Path, Dest, Version, Kind string
		Opt                       int
	}
}

// asMicroPython returns what MicroPython's own module makes of manifests.
func asMicroPython(t *testing.T, module string, manifests []manifestFile) []manifestResult {
	t.Helper()
	var list [][]any
	for _, m := range manifests {
		vars := map[string]any{"MPY_LIB_DIR": nil}
		for name, value := range m.vars {
			vars[name] = value
		}
		list = append(list, []any{m.path, vars})
	}
	in, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), "python3", "-B", "-c", readManifests, filepath.Dir(module))
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(in)), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var results []manifestResult
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	return results
}

// expected is what an image has to have of the files that would be frozen: the
// first of each name, compiled unless frozen as text or run by firmware as
// source only.
func (r *manifestResult) expected(t *testing.T) []string {
	t.Helper()
	taken := map[string]bool{}
	var out []string
	for _, f := range r.Files {
		dest := filepath.ToSlash(filepath.Clean(f.Dest))
		if taken[dest] {
			continue
		}
		taken[dest] = true
		real, err := filepath.EvalSymlinks(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s from %s", dest, real)
		if f.Kind == "KIND_FREEZE_AS_MPY" && dest != "main.py" && dest != "boot.py" {
			line += fmt.Sprintf(" -O%d", f.Opt)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// made is the same of a manifest that was imported.
func made(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	for e := range resolved(t, path).Files() {
		real, err := filepath.EvalSymlinks(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s from %s", e.Dest, real)
		if e.MPY != nil {
			line = fmt.Sprintf("%s.py from %s -O%d", strings.TrimSuffix(e.Dest, ".mpy"), real, e.MPY.Optimize)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// compareManifests imports manifests and compares them with what MicroPython's
// own module makes of them. It returns how many files they have, and how many
// are an error for both.
func compareManifests(t *testing.T, module string, manifests []manifestFile) (files, failed int) {
	t.Helper()
	out := t.TempDir()
	for i, want := range asMicroPython(t, module, manifests) {
		m := manifests[i]
		o := importer.Options{Source: m.path, Out: filepath.Join(out, fmt.Sprint(i), "romfs.yaml"), Vars: m.vars}
		res, err := importer.Import(t.Context(), o)
		if empty := (*importer.EmptyError)(nil); want.Error == "" && len(want.Files) == 0 && errors.As(err, &empty) {
			continue
		}
		if want.Error != "" && err != nil {
			failed++
			continue
		}
		if err != nil || want.Error != "" {
			t.Errorf("%s: %v, and MicroPython itself: %s", m.path, err, want.Error)
			continue
		}
		put(t, filepath.Dir(o.Out), "romfs.yaml", res.Text)
		expected := want.expected(t)
		if d := cmp.Diff(expected, made(t, o.Out)); d != "" {
			t.Errorf("%s: -MicroPython +imported\n%s", m.path, d)
		}
		for _, n := range res.Notes {
			if n.Code == importer.NoteLost && !strings.Contains(n.Message, "would be a second") && !strings.Contains(n.Message, "finds no file") {
				t.Errorf("%s", n.String())
			}
		}
		files += len(expected)
	}
	return files, failed
}

// TestManifestFile: manifests of every kind of call, with options, includes,
// libraries and levels of optimization.
func TestManifestFile(t *testing.T) {
	module := peer.ManifestFile(t)
	top := t.TempDir()
	for name, text := range map[string]string{
		"src/a.py": "", "src/b.py": "", "src/main.py": "", "src/boot.py": "", "src/pkg/__init__.py": "", "src/pkg/core.py": "", "src/pkg/deep/er.py": "",
		"src/pkg/notes.txt": "", "src/pkg/.hidden.py": "", "src/blob.mpy": "M\x06\x00\x1f", "src/pkg/n.mpy": "M\x06\x00\x1f",
		"lib/micropython/net/one/manifest.py":   "metadata(version='1.2')\nrequire('two')\nmodule('one.py', opt=2)\n",
		"lib/micropython/net/one/one.py":        "",
		"lib/python-stdlib/two/manifest.py":     "metadata(version='0.1')\nif options.extra:\n    module('extra.py')\npackage('two')\n",
		"lib/python-stdlib/two/two/__init__.py": "", "lib/python-stdlib/two/extra.py": "",
		"own/x/one/manifest.py": "module('other.py')\n", "own/x/one/other.py": "",
		"inc/manifest.py": "options.defaults(level=1, more=False)\nmodule('inc.py', opt=options.level)\nif options.more:\n    freeze('more')\n",
		"inc/inc.py":      "", "inc/more/m.py": "",

		"package.py":  "package('pkg', base_path='src')\n",
		"files.py":    "package('pkg', ('__init__.py', 'deep/er.py'), base_path='src', opt=3)\npackage('pkg', ['core.py'], 'src', opt=1)\n",
		"module.py":   "module('a.py', 'src')\nmodule('pkg/core.py', base_path='src', opt=2)\nfor n in ('b', 'main', 'boot'):\n    module(n + '.py', base_path='src')\n",
		"freeze.py":   "freeze('src')\n",
		"scripts.py":  "freeze('src', 'a.py', opt=3)\nfreeze('src', ('b.py', 'pkg/core.py', 'blob.mpy'))\nfreeze('$(SRC)', 'main.py')\n",
		"folder.py":   "freeze('src', 'pkg', opt=1)\n",
		"kinds.py":    "freeze_as_mpy('src', opt=2)\nfreeze_mpy('src')\n",
		"text.py":     "freeze_as_str('src/pkg')\nfreeze_mpy('src', 'blob.mpy')\n",
		"twice.py":    "module('a.py', 'src', opt=1)\nfreeze('src', 'a.py', opt=3)\n",
		"include.py":  "include('inc')\ninclude('inc/manifest.py', more=True)\n",
		"options.py":  "include(('module.py',))\ninclude('inc', level=3, more=True)\n",
		"require.py":  "require('one')\nrequire('two', extra=True)\n",
		"extra.py":    "require('two', extra=True)\nrequire('one')\n",
		"library.py":  "add_library('own', 'own')\nrequire('one', library='own')\n",
		"prepend.py":  "add_library('own', '$(SRC)/../own', prepend=True)\nrequire('one')\n",
		"append.py":   "add_library('own', 'own')\nrequire('one')\n",
		"function.py": "def all(names, **kw):\n    for n in names:\n        module('%s.py' % n, base_path='src', **kw)\nall(['a', 'b'], opt=2)\n",
		"nothing.py":  "metadata(version='1')\n",
	} {
		put(t, top, name, []byte(text))
	}
	var manifests []manifestFile
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			manifests = append(manifests, manifestFile{filepath.Join(top, e.Name()), map[string]string{"MPY_LIB_DIR": filepath.Join(top, "lib"), "SRC": filepath.Join(top, "src")}})
		}
	}
	if files, failed := compareManifests(t, module, manifests); files < 60 || failed > 0 {
		t.Errorf("%d files, %d errors", files, failed)
	}
}

var requires = regexp.MustCompile(`require\(\s*"([^"]+)"`)

// TestBoardManifests: the manifests of MicroPython's ports and boards. What they
// require comes from libraries that are no part of MicroPython's sources; empty
// packages of the same names stand in.
func TestBoardManifests(t *testing.T) {
	module := peer.ManifestFile(t)
	top := filepath.Dir(filepath.Dir(module))
	lib := t.TempDir()
	var manifests []manifestFile
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), "manifest") || d.Name() == "manifestfile.py" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, r := range requires.FindAllStringSubmatch(string(text), -1) {
			put(t, lib, "micropython/"+r[1]+"/manifest.py", []byte("metadata(version='1')\nmodule('"+r[1]+".py')\n"))
			put(t, lib, "micropython/"+r[1]+"/"+r[1]+".py", nil)
		}
		port := filepath.Dir(path)
		for !isPort(port) && port != top {
			port = filepath.Dir(port)
		}
		manifests = append(manifests, manifestFile{path, map[string]string{
			"MPY_DIR": top, "MPY_LIB_DIR": lib, "PORT_DIR": port, "BOARD_DIR": filepath.Dir(path), "ARDUINO_LIB_DIR": lib, "MCU_CORE": "hp",
		}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(manifests) < 80 {
		t.Errorf("only %d manifests", len(manifests))
	}
	// One freezes a folder that is not there.
	if files, failed := compareManifests(t, module, manifests); files < 1000 || failed > 1 {
		t.Errorf("%d files, %d errors", files, failed)
	}
}

func isPort(dir string) bool { return filepath.Base(filepath.Dir(dir)) == "ports" }
