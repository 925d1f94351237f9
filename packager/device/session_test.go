package device

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os/exec"
	"testing"
	"time"

	"rules_romfs/internal/peer"
)

// direct starts the board's program in a real interpreter, without a REPL.
func direct(t testing.TB, check checksum, heap string) *Session {
	t.Helper()
	s := &Session{check: check, z: new(deflater), chunk: 1024, pace: time.Millisecond}
	cmd := exec.Command(peer.MicroPython(t), "-X", "heapsize="+heap, "-c", s.program())
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
	l := NewLink("the interpreter", &process{WriteCloser: in, Reader: out, cmd: cmd})
	s.repl = &REPL{Link: l}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if err := s.greet(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSessionCarriesAnyBytes(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]checksum{"crc32": checkCRC, "sha256": checkSHA, "adler": checkAdler} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := direct(t, check, "1m")
			ctx := context.Background()
			if err := s.Load(ctx, "from binascii import hexlify\n_D['e']=hexlify\n"); err != nil {
				t.Fatal(err)
			}
			all := make([]byte, 256)
			for i := range all {
				all[i] = byte(i)
			}
			random := make([]byte, 1000)
			rand.New(rand.NewSource(1)).Read(random)
			for _, payload := range [][]byte{{}, {3}, all, random, bytes.Repeat([]byte("print(1)\n\x04"), 100)} {
				got, err := s.Call(ctx, 'e', payload, 5*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("%x", payload); string(got) != want {
					t.Errorf("%q came as %s", payload, got)
				}
			}
		})
	}
}
