package device

import (
	"bufio"
	"encoding/binary"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/repl"
)

// runnerSource runs texts as a raw REPL does, and tells what reached exec: "s" the
// program as it was sent, "o" another one, "-" nothing.
const runnerSource = `
import sys, builtins
i = sys.stdin.buffer
def text():
    n = int.from_bytes(i.read(4), "little")
    return i.read(n)
want = text()
while True:
    t = text()
    if not t:
        break
    r = "-"
    def spy(s, g):
        global r
        if s != 3:  # damaged from the variable's name, and no program
            r = "s" if bytes(s) == want else "o"
    try:
        builtins.exec(t, {"exec": spy})
    except Exception:
        pass
    sys.stdout.write(r)
`

// A runner is a real interpreter with runnerSource.
type runner struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func startRunner(t *testing.T, want string) *runner {
	cmd := exec.Command(peer.MicroPython(t), "-X", "heapsize=4m", "-c", runnerSource)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	r := &runner{in, bufio.NewReader(out)}
	r.send(t, []byte(want))
	return r
}

func (r *runner) send(t *testing.T, text []byte) {
	t.Helper()
	if _, err := r.in.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)); err != nil {
		t.Fatal(err)
	}
}

// ran tells what of the program runs when text arrives.
func (r *runner) ran(t *testing.T, text []byte) byte {
	t.Helper()
	r.send(t, text)
	c, err := r.out.ReadByte()
	if err != nil {
		t.Fatalf("%v after %q", err, text)
	}
	return c
}

// damaged returns text with one byte lost, doubled, or with one bit flipped.
func damaged(text string, at int) [][]byte {
	b := []byte(text)
	all := [][]byte{slices.Delete(slices.Clone(b), at, at+1), slices.Insert(slices.Clone(b), at, b[at])}
	for bit := range 8 {
		c := slices.Clone(b)
		c[at] ^= 1 << bit
		all = append(all, c)
	}
	return all
}

// TestDamagedProgramDoesNotRun sends programs with one fault, everywhere in what
// guards them and at many places of the rest: nothing but the program itself is
// ever run.
func TestDamagedProgramDoesNotRun(t *testing.T) {
	t.Parallel()
	loader := repl.Loader()
	s := &session{check: checkCRC}
	for name, source := range map[string]string{
		"link": s.program(), "identity": identity(), "segments": program(nil, "say", "segments"),
		"plain": (&plainCaller{check: checkAdler}).program(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRunner(t, source)
			paste := loader + repl.Guarded(source)
			if got := r.ran(t, []byte(paste)); got != 's' {
				t.Fatalf("the program itself: %c", got)
			}
			tried := 0
			for at := range paste {
				if at > len(loader)+10 && at < len(paste)-40 && at%23 != 0 {
					continue
				}
				for _, text := range damaged(paste, at) {
					tried++
					if r.ran(t, text) == 'o' {
						t.Errorf("ran another program: %q", text)
					}
				}
			}
			t.Logf("%d faults tried in %d bytes", tried, len(paste))
		})
	}
}

// TestDamagedLoaderLetsNothingPass has one fault in the loader and one in the
// program.
func TestDamagedLoaderLetsNothingPass(t *testing.T) {
	t.Parallel()
	source := program(nil, "say", "segments")
	bad := strings.Replace(repl.Guarded(source), "rom_ioctl(2", "rom_ioctl(3", 1)
	if bad == repl.Guarded(source) {
		t.Fatal("the program has nothing to damage")
	}
	r := startRunner(t, source)
	loader := repl.Loader()
	for at := range loader {
		for _, text := range damaged(loader, at) {
			if got := r.ran(t, append(text, bad...)); got == 'o' {
				t.Errorf("ran after %q", text)
			}
		}
	}
}
