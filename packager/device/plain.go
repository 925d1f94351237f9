package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// A plainCaller runs commands by one raw-REPL command each, for firmware
// without select.poll or sys.stdin.buffer. It is slow and has no flow control
// of its own, but every command carries a checksum too.
type plainCaller struct {
	repl  *repl.REPL
	check checksum
	chunk int
	seq   byte
}

func startPlain(ctx context.Context, r *repl.REPL, info *Info, buffer int) (*plainCaller, error) {
	p := &plainCaller{repl: r, check: info.Has.checksum(), chunk: 1024}
	if info.Largest-buffer < 16<<10 {
		p.chunk = 128
	}
	_, err := r.Run(ctx, p.program(), repl.AnswerLimit)
	return p, err
}

// program is what the board has to run before the first call.
func (p *plainCaller) program() string {
	return program(nil, slices.Concat([]string{"built_in"}, p.check.files, []string{"plain"})...)
}

func (p *plainCaller) Call(ctx context.Context, kind byte, payload []byte, limit time.Duration) ([]byte, error) {
	p.seq++
	head := fmt.Appendf(nil, "%c%02x", kind, p.seq)
	code := fmt.Sprintf("_own['_call'](%d,'%c',%d,%s)", p.seq, kind, p.check.sum(head, payload), repl.Literal(payload))
	var err error
	for range maxTries {
		var out []byte
		if out, err = p.repl.Exec(ctx, code, limit); err != nil {
			var exec *repl.Error
			if errors.As(err, &exec) && !exec.OutOfMemory() {
				continue // _call catches the command's own, so this was damaged on the way
			}
			return nil, err
		}
		err = errors.New("what was sent or answered arrived damaged")
		if i := bytes.LastIndexByte(out, '~'); i >= 0 {
			a, _, state := parseAnswer(p.check, out[i:])
			switch {
			case state != whole || a.seq != p.seq:
			case a.kind == '=':
				return a.body, nil
			case a.kind == '!':
				return nil, &BoardError{string(a.body)}
			}
		}
	}
	return nil, port.Failed("waiting for "+p.repl.Link.Name(), err)
}

func (p *plainCaller) Load(ctx context.Context, source string) error {
	if p.repl.Small {
		_, err := p.repl.Run(ctx, source, repl.AnswerLimit)
		return err
	}
	for _, piece := range repl.Pieces(source, p.chunk) {
		if _, err := p.Call(ctx, 'x', []byte(piece), repl.AnswerLimit); err != nil {
			return fmt.Errorf("loading the program: %w", err)
		}
	}
	return nil
}

func (p *plainCaller) serve(context.Context) error { return nil } // it is at its prompt

func (p *plainCaller) Chunk() int { return p.chunk }
