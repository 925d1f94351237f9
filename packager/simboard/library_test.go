//go:build linux && library

package simboard_test

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

// TestLibrary imports every module of micropython-lib from an image on the board that the
// interpreter alone imports from source. ROMFS_MICROPYTHON_LIB names the folder of a copy:
// no registry has the library as a package, so this test is built with the tag library only.
func TestLibrary(t *testing.T) {
	t.Parallel()
	library := os.Getenv("ROMFS_MICROPYTHON_LIB")
	if library == "" {
		t.Fatal("ROMFS_MICROPYTHON_LIB names no copy of micropython-lib")
	}
	files := libraryFiles(t, library)
	dir := folder(t, files)
	b := start(t, simboard.Options{Partitions: []simboard.Partition{{Size: 4 << 20}}})
	b.Load(0, romImage(t, files))
	h := connect(t, b)
	h.raw()
	tried, imported := 0, 0
	for _, module := range topLevel(files) {
		if !importsAlone(t, dir, module) {
			continue
		}
		tried++
		h.reset()
		if _, exc := h.exec("import " + module); exc != "" {
			t.Errorf("import %s: %s", module, exc)
			continue
		}
		imported++
	}
	t.Logf("%d modules import from source in the interpreter alone, %d of them from an image on the board", tried, imported)
	if tried == 0 {
		t.Errorf("%s is no copy of micropython-lib", library)
	}
}

// libraryFiles are the modules of all packages of the library, in one tree as mip installs
// them; of a module that two have, the first's.
func libraryFiles(t *testing.T, library string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, part := range []string{"python-stdlib", "python-ecosys", "micropython"} {
		manifests := map[string]bool{}
		err := filepath.WalkDir(filepath.Join(library, part), func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "manifest.py" {
				manifests[filepath.Dir(name)] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range slices.Sorted(maps.Keys(manifests)) {
			for name, content := range filesOf(t, dir) {
				if base := path.Base(name); path.Ext(base) != ".py" || base == "manifest.py" || strings.Contains("/"+name, "/test") || strings.Contains("/"+name, "/example") {
					continue
				}
				if _, there := files[name]; !there {
					files[name] = content
				}
			}
		}
	}
	return files
}

// topLevel returns the modules and packages at the root of a tree.
func topLevel(files map[string]string) []string {
	names := map[string]bool{}
	for name := range files {
		top, _, folder := strings.Cut(name, "/")
		if !folder {
			names[strings.TrimSuffix(top, ".py")] = true
		} else if _, ok := files[top+"/__init__.py"]; ok {
			names[top] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// importsAlone tells whether the interpreter imports a module from a folder.
func importsAlone(t *testing.T, dir, module string) bool {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, peer.MicroPython(t), "-c", "import "+module)
	cmd.Env = append(os.Environ(), "MICROPYPATH="+dir+":.frozen")
	return cmd.Run() == nil
}
