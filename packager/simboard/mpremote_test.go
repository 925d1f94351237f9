//go:build linux

package simboard_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/simboard"
)

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

// tree writes a small application.
func tree(t testing.TB) string {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "hello.py"), "print('hello from', __file__)\n")
	write(t, filepath.Join(dir, "lib", "deep.py"), "VALUE = 42\n")
	write(t, filepath.Join(dir, "data.bin"), strings.Repeat("0123456789abcdef", 1000))
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestMpremote lets unmodified mpremote, old and new, query, deploy to and
// import from each flavour of board, over the pty and over TCP.
func TestMpremote(t *testing.T) {
	t.Parallel()
	part := simboard.Partition{Name: "romfs0", Size: 256 << 10}
	blk := part
	blk.Driver = "rp2"
	for name, o := range map[string]simboard.Options{
		"memoryview with op 6": boardWith(part),
		"memoryview before":    {Partitions: []simboard.Partition{part}, Generation: simboard.Old},
		"block device":         boardWith(blk),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tool := range []string{peer.Mpremote(t), peer.Mpremote126(t)} {
				o.Listen = loopback
				b := start(t, o)
				ports := []string{b.PTY()}
				if tool == peer.Mpremote(t) { // 1.26 knows no socket://
					ports = append(ports, b.Addr())
				}
				for _, port := range ports {
					useMpremote(t, tool, port, 0, 256<<10)
				}
				if v := b.Stats().Violations; len(v) > 0 {
					t.Errorf("mpremote programmed flash that was not erased: %v", v)
				}
			}
		})
	}
}

// TestMpremoteBoards does the same on boards as they are in the field, with
// the faults that mpremote gets over.
func TestMpremoteBoards(t *testing.T) {
	t.Parallel()
	for spec, partition := range map[string]int{
		"openmv-h7":                        0, // a sector of 128 KiB in words of 32 bytes
		"openmv-n6?raw-paste=unknown":      0,
		"openmv-ae3?latency=1ms":           1, // MRAM
		"openmv-m4?old-firmware&window=32": 0,
		"esp8266-2m-romfs?noise=3000":      0,
		"rp2?size=256KiB&intr-clears":      0,
		"samd?size=64KiB&ring=256":         0,
	} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			o, err := simboard.ParseSpec(spec)
			if err != nil {
				t.Fatal(err)
			}
			b := start(t, o)
			useMpremote(t, peer.Mpremote(t), b.PTY(), partition, int(o.Board.Partitions[partition].Size))
		})
	}
}

// useMpremote queries, deploys, and imports, from partition 0 after a reset.
func useMpremote(t *testing.T, tool, port string, partition, size int) {
	t.Helper()
	p := strconv.Itoa(partition)
	out := run(t, tool, "connect", port, "romfs", "query")
	if !strings.Contains(out, fmt.Sprintf("ROMFS%s partition has size %d bytes", p, size)) {
		t.Fatalf("query: %s", out)
	}
	out = run(t, tool, "connect", port, "romfs", "--partition", p, "--no-mpy", "deploy", tree(t))
	if !strings.Contains(out, "ROMFS image deployed") {
		t.Fatalf("deploy: %s", out)
	}
	code := "import hello, deep; print(deep.VALUE, len(open('/rom/data.bin').read()))"
	if partition > 0 { // firmware mounts partition 0 only
		code = fmt.Sprintf("import vfs, sys; vfs.mount(vfs.VfsRom(vfs.rom_ioctl(2, %d)), '/rom'); sys.path += ['/rom', '/rom/lib']; %s", partition, code)
	}
	out = run(t, tool, "connect", port, "exec", code)
	if want := "hello from /rom/hello.py\r\n42 16000\r\n"; out != want {
		t.Fatalf("import: %q, want %q", out, want)
	}
}
