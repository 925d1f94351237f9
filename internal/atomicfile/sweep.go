package atomicfile

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
)

// Prefix is that of the names of temporary files.
const Prefix = ".romfs-"

// suffixLen is the number of letters and digits behind it.
const suffixLen = 12

// ProbePrefix is that of empty files with which a program asks a file system
// what names it tells apart.
const ProbePrefix = Prefix + "probe-"

// Temporary returns a name for a temporary file.
func Temporary() string { return Prefix + rand.Text()[:suffixLen] }

// isTemporary tells a name that Temporary has made, or that of a probe.
func isTemporary(name string) bool {
	suffix, ok := strings.CutPrefix(name, Prefix)
	return ok && len(suffix) == suffixLen && strings.Trim(suffix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "" || strings.HasPrefix(name, ProbePrefix)
}

// Sweep removes the temporary files that runs left in a directory which were
// killed. What another run is writing stays.
func Sweep(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	names, _ := d.Readdirnames(-1)
	d.Close()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if !isTemporary(name) {
			continue
		}
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			removeLeftover(path)
		}
	}
}

// Hold marks a temporary file that is being written, so that no [Sweep] removes
// it until release is called, also where it is closed before. It is not ok if
// one has done so just now: take another name.
func Hold(f *os.File) (release func(), ok bool) {
	taken, unknown := lock(f)
	if !unknown && (!taken || !sameFile(f, f.Name())) {
		return nil, false
	}
	second := keepLock(f)
	return func() {
		if second != nil {
			second.Close() // a second time is harmless
		}
	}, true
}

// sameFile tells if the path is still that of the open file.
func sameFile(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(open, there)
}
