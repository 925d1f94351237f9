package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rules_romfs/internal/peer"
)

// romfs returns the path of the program, which the tests run as its users do:
// Bazel's, or one that is built once.
var romfs = sync.OnceValues(func() (string, error) {
	if p := os.Getenv("ROMFS_BINARY"); p != "" {
		return filepath.Join(os.Getenv("TEST_SRCDIR"), p), nil
	}
	dir, err := os.MkdirTemp("", "romfs-emulator-")
	if err != nil {
		return "", err
	}
	built = dir
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", dir+"/romfs", "rules_romfs/packager/cmd/romfs").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return dir + "/romfs", nil
})

var built string // folder of the program that was built

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// A run is one run of romfs.
type run struct {
	code   int
	stdout string
	stderr string
}

// A result is what deploy prints of a board with --output json, as far as tests look.
type result struct {
	Status   string `json:"status"`
	Blocks   int    `json:"blocks"`
	Changed  int    `json:"blocks_changed"`
	Literal  int64  `json:"image_bytes_sent"`
	Sent     int64  `json:"bytes_sent"`
	Retries  int64  `json:"frames_repeated"`
	Imported []struct{ Module, File string }
}

// A bench is a board, a folder, and the profile that romfs knows the board by.
type bench struct {
	*Board
	dir     string
	board   string // --board; "": none
	guesses bool   // romfs does not know the unit of writing, and may first try a smaller one, which is refused
}

// newBench starts a board. profile is the entry of its partition in a board
// file, or empty.
func newBench(t testing.TB, o Options, profile string) *bench {
	t.Helper()
	b := &bench{Board: Start(t, o), dir: t.TempDir()}
	if profile != "" {
		b.board = b.file("board.yaml")
		b.write(t, "board.yaml", "version: 1\nid: emulated\nname: emulated board\nmpy: {arch: armv7m}\npartitions:\n  - {name: romfs0, index: 0, size: 128KiB, "+profile+"}\n")
	}
	return b
}

func (b *bench) file(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.file(name)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.file(name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// command prepares romfs VERB ARGS... for the board.
func (b *bench) command(t testing.TB, verb string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := romfs()
	if err != nil {
		t.Fatal(err)
	}
	if verb != "build" && verb != "ram" {
		args = append(args, "--port", b.Port)
	}
	if b.board != "" {
		args = append(args, "--board", b.board)
	}
	cmd := exec.Command(path, append([]string{verb}, args...)...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "ROMFS_CACHE="+b.file("cache"), "MPY_CROSS="+peer.MpyCross(t))
	return cmd
}

// romfs runs romfs VERB ARGS... for the board.
func (b *bench) romfs(t testing.TB, verb string, args ...string) run {
	t.Helper()
	return finish(t, b.command(t, verb, args...))
}

func finish(t testing.TB, cmd *exec.Cmd) run {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	t.Logf("romfs %s: exit %d\n%s%s", strings.Join(cmd.Args[1:], " "), cmd.ProcessState.ExitCode(), stdout.String(), stderr.String())
	return run{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// deploys runs romfs deploy ARGS..., which must succeed, and returns its result.
func (b *bench) deploys(t testing.TB, args ...string) result {
	t.Helper()
	r := b.romfs(t, "deploy", append(args, "--output", "json")...)
	if r.code != 0 {
		t.Fatalf("romfs deploy %s: exit %d", strings.Join(args, " "), r.code)
	}
	var out struct{ Boards []result }
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil || len(out.Boards) != 1 {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	return out.Boards[0]
}

// image builds name.romfs from files.
func (b *bench) image(t testing.TB, name string, files map[string]string) []byte {
	t.Helper()
	for file, content := range files {
		b.write(t, filepath.Join(name, file), content)
	}
	if r := b.romfs(t, "build", name, "-o", name+".romfs"); r.code != 0 {
		t.Fatalf("exit %d", r.code)
	}
	return b.read(t, name+".romfs")
}

func (b *bench) read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(b.file(name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// holds checks that the partition begins with image, and that nothing was done
// that no careful driver does.
func (b *bench) holds(t testing.TB, image []byte) {
	t.Helper()
	if !bytes.HasPrefix(b.Partition(), image) {
		t.Errorf("the partition does not hold the image; it begins with %x", b.Partition()[:16])
	}
	c := b.Counters()
	if b.guesses {
		c.Unaligned = 0
	}
	if c.Violations() > 0 {
		t.Errorf("the board counted %+v", c)
	}
}

// random returns n bytes that nothing compresses.
func random(seed byte, n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return string(b)
}

// app is an application of two modules and data; the larger its version, the
// longer its first module.
func app(version int) map[string]string {
	return map[string]string{
		"app.py":     "import helper\nVERSION = " + strings.Repeat("1 + ", version) + "0\n",
		"helper.py":  "def f(x):\n    return x * 3\n",
		"lib/dep.py": "import app\n",
		"data.bin":   random(1, 6000),
	}
}
