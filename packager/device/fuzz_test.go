package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"rules_romfs/packager/board"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// A replayed board answers with bytes that it was given, whatever is sent, and
// then hangs up.
type replayed struct{ *bytes.Reader }

func (replayed) Write(b []byte) (int, error) { return len(b), nil }
func (replayed) Close() error                { return nil }

var _ io.ReadWriteCloser = replayed{}

// FuzzReplies feeds arbitrary bytes to everything that reads what a board says:
// no panic, no hang, and an error of a documented type or a checked value.
func FuzzReplies(f *testing.F) {
	f.Add([]byte(repl.Banner + "R\x01\x80\x00\x01\x04\x04\x04>"))
	f.Add([]byte("~=000000dc5cbfa9\n+01~=010000dc5cbfa9\n"))
	for tag, text := range map[string]string{"i": "micropython|1.26.1|x|2822|linux|2147483647|0|||401058|11111111", "h": "100000|90000", "s": "1|0:m:1048576:4096:d2cd3100:0"} {
		f.Add(fmt.Appendf(nil, "R\x00OK\n~%s%s|%d~\r\n\x04\x04>", tag, text, repl.Sum([]byte(text))))
	}
	f.Add([]byte("~=01ffff00000000" + string(make([]byte, 300))))
	f.Fuzz(func(t *testing.T, said []byte) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		check := func(err error) {
			var transfer *port.TransferError
			var exec *repl.Error
			var board *BoardError
			if err != nil && !errors.As(err, &transfer) && !errors.As(err, &exec) && !errors.As(err, &board) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%T: %v", err, err)
			}
		}
		repl := func() *repl.REPL {
			l := port.New("fuzz", replayed{bytes.NewReader(said)})
			t.Cleanup(func() { l.Close() })
			return &repl.REPL{Link: l}
		}
		_, err := identify(ctx, repl())
		check(err)
		segments, err := listSegments(ctx, repl())
		check(err)
		for _, s := range segments {
			if s.Size < 0 || s.Size > maxSegment || s.Erase < 0 {
				t.Errorf("segment %+v", s)
			}
		}
		info := &Info{Has: Features{SHA256: true, CRC32: true, Base64: true, Poll: true, StdinBuffer: true}, Largest: 1 << 20}
		s, err := startSession(ctx, repl(), info, 0)
		check(err)
		if err == nil {
			_, err = openROM(ctx, s, info, Segment{Kind: board.Memoryview, Size: 1 << 20, Erase: 4096}, 0)
			check(err)
		}
		for _, c := range []checksum{checkCRC, checkSHA, checkAdler} {
			for b := said; len(b) > 0; {
				e, n, ok := findEvent(c, b)
				if n < 0 || n > len(b) || ok && n == 0 || len(e.body) > len(said) {
					t.Fatalf("findEvent consumed %d of %d", n, len(b))
				}
				if !ok {
					break
				}
				b = b[n:]
			}
		}
		if info, err := parseInfo(string(said)); err == nil && info == nil {
			t.Error("neither info nor error")
		}
	})
}
