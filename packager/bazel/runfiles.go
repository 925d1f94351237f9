package bazel

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// runfiles are the files that a target takes along: in a directory, or, where
// Bazel makes no links (Windows), listed in a manifest.
type runfiles struct {
	dir  string
	list map[string]string // nil with a directory
}

// findRunfiles returns those of the executable that a request is named after.
// Under `bazel run` and `bazel test` the request lies in the runfiles directory
// itself; started from where Bazel built it, beside that; elsewhere the
// environment says where, as it does for every Bazel program.
func findRunfiles(request string, getenv func(string) string) (*runfiles, error) {
	executable := strings.TrimSuffix(request, requestSuffix)
	dirs := []string{executable + ".runfiles"}
	for dir := filepath.Dir(request); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if filepath.Ext(dir) == ".runfiles" {
			dirs = append(dirs, dir)
		}
	}
	if dir := getenv("RUNFILES_DIR"); dir != "" {
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		// The directory is there without its links, but for a manifest, where
		// links are switched off.
		if entries, err := os.ReadDir(dir); err == nil && hasDir(entries) {
			return &runfiles{dir: dir}, nil
		}
	}
	for _, manifest := range []string{executable + ".runfiles_manifest", getenv("RUNFILES_MANIFEST_FILE")} {
		if list, err := readRunfilesManifest(manifest); err == nil {
			return &runfiles{list: list}, nil
		}
	}
	return nil, fmt.Errorf("no runfiles in %s, nor a manifest of them; use `bazel run`, or start it where Bazel built it", dirs[0])
}

func hasDir(entries []fs.DirEntry) bool {
	for _, e := range entries {
		if e.IsDir() {
			return true
		}
	}
	return false
}

// readRunfilesManifest reads lines of two paths, "in the runfiles" and "on this
// machine"; a line that begins with a space has both with escapes.
func readRunfilesManifest(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line, escaped := strings.CutPrefix(lines.Text(), " ")
		key, value, _ := strings.Cut(line, " ")
		if escaped {
			key = strings.NewReplacer(`\s`, " ", `\n`, "\n", `\b`, `\`).Replace(key)
			value = strings.NewReplacer(`\n`, "\n", `\b`, `\`).Replace(value)
		}
		list[key] = value
	}
	return list, lines.Err()
}

// path returns where a runfile lies on this machine. It must exist.
func (r *runfiles) path(name string) (string, error) {
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if r.list != nil {
		var ok bool
		if path, ok = r.list[name]; !ok {
			return "", &fs.PathError{Op: "find the runfile", Path: name, Err: fs.ErrNotExist}
		}
	}
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	return filepath.Abs(path)
}
