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
		{Vela(t), "--version", "5.2.0"},
		{UF2Conv(t), "--help", "UF2"},
		{"python3", "-cimport runpy; print(runpy.run_path('" + ManifestFile(t) + "')['BASE_LIBRARY_NAMES'])", "python-stdlib"},
	} {
		args := []string{tc.arg}
		if rest, ok := strings.CutPrefix(tc.arg, "-c"); ok {
			args = []string{"-c", rest}
		}
		out, err := exec.Command(tc.path, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", tc.path, tc.arg, err, out)
		}
		if !strings.Contains(string(out), tc.want) {
			t.Errorf("%s %s printed %q, want %q in it", tc.path, tc.arg, out, tc.want)
		}
	}
}
