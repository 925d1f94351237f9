//go:build linux

package device

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
	"rules_romfs/packager/simboard"
)

// TestStatementsRunTwice runs every statement of the questions twice, as happens
// where the line loses the answer to the first: the board says the same.
func TestStatementsRunTwice(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"stm32-qspi", "rp2"} {
		b, err := simboard.Start(t.Context(), simboard.Options{
			Interpreter: peer.MicroPython(t),
			Listen:      "127.0.0.1:0",
			Partitions:  []simboard.Partition{{Driver: driver, Size: 1 << 18}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		image := append([]byte("\xd2\xcd\x31\x80\x07\x05\x05\x01a\x02\x01x"), bytes.Repeat([]byte{7}, 150_000)...)
		b.Load(0, image)
		ctx := context.Background()
		board, err := Connect(ctx, &port.Opener{}, b.Addr(), true)
		if err != nil {
			t.Fatal(err)
		}
		defer board.Close(false)
		r := board.repl
		if _, err := r.Exec(ctx, repl.Loader(), repl.AnswerLimit); err != nil {
			t.Fatal(err)
		}
		for name, source := range map[string]string{
			"identity": identity(), "segments": program(nil, "say", "segments"),
			"mounted": board.mounted(0, int64(len(image))),
		} {
			var said [2]string
			for i := range said {
				for _, piece := range repl.SmallPieces(source) {
					for range i + 1 {
						out, err := r.Exec(ctx, piece, repl.AnswerLimit)
						if err != nil {
							t.Fatalf("%s: %v in %q", name, err, piece)
						}
						said[i] = string(out)
					}
				}
			}
			if said[0] != said[1] || !strings.Contains(said[0], "~") {
				t.Errorf("%s: it says %q, and with every statement twice %q", name, said[0], said[1])
			}
		}
	}
}
