//go:build linux

package device

import (
	"bytes"
	"context"
	"math/rand"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/simboard"
)

// TestHostThatDied leaves the program running on firmware that takes no Ctrl-C meanwhile,
// also near the end of a frame, and in the middle of a long one, which the board waits for.
// The next host gets in.
func TestHostThatDied(t *testing.T) {
	t.Parallel()
	b, err := simboard.Start(t.Context(), simboard.Options{Interpreter: peer.MicroPython(t), Listen: "127.0.0.1:0", Faults: simboard.Faults{NoInterrupt: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx := context.Background()
	board, err := Connect(ctx, &port.Opener{}, b.Addr(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close(false)
	long := encodeFrame(checkCRC, nil, 'b', 77, make([]byte, 16_000))[:5000]
	for _, last := range []string{"", "~b10ff", string(encodeFrame(checkCRC, nil, 'b', 77, make([]byte, 50))[:60]), string(long)} {
		if err := board.SoftReset(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := board.OpenROM(ctx, board.Segments[0], 0); err != nil {
			t.Fatal(err)
		}
		if err := board.link.Write(ctx, []byte(last)); err != nil {
			t.Fatal(err)
		}
		board.forget() // what the next host finds
		start := time.Now()
		if err := board.repl.Enter(ctx, repl.ConnectLimit); err != nil {
			t.Fatalf("after %d bytes: %v", len(last), err)
		}
		t.Logf("%v for a frame of which %d bytes had come", time.Since(start), len(last))
	}
}

// TestAbandonedProgramEnds has a host that says nothing any more, also behind a part of a
// frame: the board restarts, or ends the program where it cannot.
func TestAbandonedProgramEnds(t *testing.T) {
	t.Parallel()
	for name, reset := range map[string]string{"reset": "", "no reset": "m=None\n", "in a frame": ""} {
		s := &session{check: checkCRC, z: new(deflater)}
		code := strings.Replace(s.program(), "poll(10000)", "poll(20)", 1)
		if code == s.program() {
			t.Fatal("the program waits otherwise")
		}
		machine := "class M:\n def reset(self):print('reset')\nm=M()\n" + reset + "import sys\nsys.modules['machine']=m\n"
		cmd := exec.Command(peer.MicroPython(t), "-c", machine+"_own=globals()\n"+code+"_main()\n")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if name == "in a frame" {
			go in.Write(encodeFrame(checkCRC, nil, 'b', 1, make([]byte, 2*8192))[:8192])
		}
		out, err := cmd.Output()
		if err != nil || strings.Contains(string(out), "reset") != (name != "no reset") || strings.Count(string(out), "~=000000") != 6 {
			t.Errorf("%s: %v, %q", name, err, out)
		}
		in.Close()
	}
}

// TestFramesFitTheHeap has a heap that is smaller than the frames are chosen for. They become
// smaller, and each command is run once.
func TestFramesFitTheHeap(t *testing.T) {
	t.Parallel()
	random := make([]byte, 8000)
	rand.New(rand.NewSource(1)).Read(random)
	escaped := bytes.Repeat([]byte("\x01\x02\x03\x04\x05\x10\x10\x03"), 1000)
	for name, payload := range map[string][]byte{"random": random, "escaped": escaped} {
		s := direct(t, checkCRC, "64k")
		s.chunk, s.frame, s.most = 16384, 16384, 16384
		if name == "escaped" {
			s.z = nil
		}
		ctx := context.Background()
		if err := s.Load(ctx, "count=0\ndef e(d):\n global count\n count+=1\n return b'%d %d'%(count,len(d))\n"+shortNames()["commands"]+"['e']=e\n"); err != nil {
			t.Fatal(err)
		}
		got, err := s.Call(ctx, 'e', payload, time.Minute)
		if err != nil || string(got) != "1 8000" {
			t.Errorf("%s: %q, %v, frames of %d", name, got, err, s.frame)
		}
		if s.most >= 8000 {
			t.Errorf("%s: the frames are still of %d bytes; the heap is no test", name, s.most)
		}
	}
}

// TestPlusIsNoReceipt has a thread of the board's print "+" while frames are lost: that they
// have not arrived is noticed all the same, long before the limit of the work.
func TestPlusIsNoReceipt(t *testing.T) {
	t.Parallel()
	lost := 0
	took, err := called(t, 10*time.Minute, func(n int, said []byte) []byte {
		if n <= 2 { // the receipt of the frame and its answer
			lost++
			return []byte("+ + 1+1\r\n")
		}
		return said
	})
	if err != nil || took > 10*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}
