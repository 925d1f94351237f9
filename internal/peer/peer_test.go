package peer

import (
	"os/exec"
	"strings"
	"testing"
)

// TestVersions holds the tools to the releases that the docs and golden files name.
func TestVersions(t *testing.T) {
	for _, tc := range []struct{ path, arg, want string }{
		{MpyCross(t), "--version", "v1.29.0"},
		{Mpremote(t), "--version", "1.29"},
		{Mpremote126(t), "--version", "1.26"},
		{MicroPython(t), "-cimport vfs; print(vfs.VfsRom)", "VfsRom"},
		{MicroPython32(t), "-cimport vfs, sys; print(vfs.VfsRom, sys.maxsize)", "2147483647"},
		{DFUSuffix(t), "--version", "dfu-util) 0.11"},
		{DfusePack(t), "--help", "--dump"},
		{Objcopy(t), "--help", "ihex"},
		{UF2Conv(t), "--help", "UF2"},
		{"python3", "-cimport runpy; print(runpy.run_path('" + ManifestFile(t) + "')['BASE_LIBRARY_NAMES'])", "python-stdlib"},
	} {
		prints(t, tc.want, tc.path, tc.arg)
	}
}

// prints runs a tool, whose argument may begin with -c, and looks for a text in what it prints.
func prints(t *testing.T, want, path, arg string) {
	t.Helper()
	args := []string{arg}
	if rest, ok := strings.CutPrefix(arg, "-c"); ok {
		args = []string{"-c", rest}
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", path, arg, err, out)
	}
	if !strings.Contains(string(out), want) {
		t.Errorf("%s %s printed %q, want %q in it", path, arg, out, want)
	}
}
