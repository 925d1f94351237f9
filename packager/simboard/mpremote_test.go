package simboard_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
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

// TestMpremote lets unmodified mpremote query, deploy to and import from each flavour of board.
func TestMpremote(t *testing.T) {
	t.Parallel()
	part := simboard.Partition{Name: "romfs0", Size: 256 << 10, Erase: 4096, Write: 4}
	blk := part
	blk.BlockDevice = true
	for name, o := range map[string]simboard.Options{
		"memoryview with op 6": {Partitions: []simboard.Partition{part}},
		"memoryview before":    {Partitions: []simboard.Partition{part}, Generation: simboard.Old},
		"block device":         {Partitions: []simboard.Partition{blk}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tool := range []string{peer.Mpremote(t), peer.Mpremote126(t)} {
				b := start(t, o)
				ports := []string{b.PTY()}
				if tool == peer.Mpremote(t) { // 1.26 knows no socket://
					ports = append(ports, b.Addr())
				}
				for _, port := range ports {
					query := run(t, tool, "connect", port, "romfs", "query")
					if !strings.Contains(query, "ROMFS0 partition has size 262144 bytes") {
						t.Fatalf("query: %s", query)
					}
					out := run(t, tool, "connect", port, "romfs", "--no-mpy", "deploy", tree(t))
					if !strings.Contains(out, "ROMFS image deployed") {
						t.Fatalf("deploy: %s", out)
					}
					out = run(t, tool, "connect", port, "exec", "import hello, deep; print(deep.VALUE, len(open('/rom/data.bin').read()))")
					if want := "hello from /rom/hello.py\r\n42 16000\r\n"; out != want {
						t.Fatalf("import: %q, want %q", out, want)
					}
				}
				if v := b.Stats().Violations; len(v) > 0 {
					t.Errorf("mpremote programmed flash that was not erased: %v", v)
				}
			}
		})
	}
}
