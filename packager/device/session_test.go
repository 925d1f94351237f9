package device

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"os/exec"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// direct starts the board's program in a real interpreter, without a REPL.
func direct(t testing.TB, check checksum, heap string) *session {
	t.Helper()
	s := &session{check: check, z: new(deflater), chunk: 1024, frame: 1024, most: 1024, pace: time.Millisecond}
	cmd := exec.Command(peer.MicroPython(t), "-X", "heapsize="+heap, "-c", "_own=globals()\n"+s.program()+"_main()\n")
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
	l := port.New("the interpreter", struct {
		io.WriteCloser
		io.Reader
	}{in, out})
	s.repl = &repl.REPL{Link: l}
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
			if err := s.Load(ctx, "from binascii import hexlify\n"+shortNames()["commands"]+"['e']=hexlify\n"); err != nil {
				t.Fatal(err)
			}
			all := make([]byte, 256)
			for i := range all {
				all[i] = byte(i)
			}
			random := make([]byte, 1000)
			rand.New(rand.NewSource(1)).Read(random)
			for _, payload := range [][]byte{{}, {3}, all, random, bytes.Repeat([]byte("print(1)\n\x04"), 100)} {
				got, err := s.Call(ctx, 'e', payload, time.Minute)
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

// The largest frames fit a heap that is no larger than what they are chosen
// for, beside a buffer of half of it, as a deploy may take.
func TestLargestFramesFitTheirHeap(t *testing.T) {
	t.Parallel()
	step := memorySteps[0]
	s := direct(t, checkCRC, fmt.Sprint(step.largest))
	s.chunk, s.frame, s.most = step.chunk, step.chunk, step.chunk
	ctx := context.Background()
	source := fmt.Sprintf("b=bytearray(%d)\n%s['e']=lambda d:str(__import__('binascii').crc32(d)).encode()\n", step.largest/2, shortNames()["commands"])
	if err := s.Load(ctx, source); err != nil {
		t.Fatal(err)
	}
	random := make([]byte, s.chunk)
	rand.New(rand.NewSource(1)).Read(random)
	escaped := make([]byte, s.chunk)
	for i, c := range random {
		escaped[i] = c%5 + 1
	}
	half := random[:s.chunk/2]
	for name, payload := range map[string][]byte{
		"random":        random,
		"all escaped":   escaped,
		"far distances": append(bytes.Clone(half), half...),
	} {
		before := s.seq
		got, err := s.Call(ctx, 'e', payload, time.Minute)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := fmt.Sprint(crc32.ChecksumIEEE(payload)); string(got) != want {
			t.Errorf("%s: it came with checksum %s, not %s", name, got, want)
		}
		if s.seq != before+1 {
			t.Errorf("%s: it took more than one frame", name)
		}
	}
	// Deflate stays out of it: every byte takes two on the line.
	s.z = nil
	if _, err := s.Call(ctx, 'e', escaped, time.Minute); err != nil {
		t.Errorf("as long as can be: %v", err)
	}
}
