package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// A plainCaller runs commands by one raw-REPL command each, for firmware
// without select.poll or sys.stdin.buffer. It is slow and has no flow control
// of its own, but every command carries a checksum too.
type plainCaller struct {
	repl  *repl.REPL
	chunk int
	seq   byte
}

// plainProgram defines what link.py defines for the programs loaded later, and
// _call, which runs one command; one with the number of the last only repeats the
// answer.
const plainProgram = `
_D={}
_q=-1
_r=''
def _call(q,t,c,d):
 global _q,_r
 if ck(('%s%02x'%(t,q)).encode(),d)!=c:
  k='?'
  a=b''
 elif q==_q:
  return print(_r)
 else:
  _q=q
  try:
   k='='
   a=(exec(d,globals()) if t=='x' else _D[t](d)) or b''
  except Exception as e:
   k='!'
   a=('%s: %s'%(type(e).__name__,e)).encode()[:200]
 h='%s%02x%04x'%(k,q,len(a))
 r='~%s%08x%s'%(h,ck(h.encode(),a),a.decode())
 if k!='?':
  _r=r
 print(r)
`

func startPlain(ctx context.Context, r *repl.REPL, info *Info, buffer int) (*plainCaller, error) {
	p := &plainCaller{repl: r, chunk: 1024}
	if info.Largest-buffer < 16<<10 {
		p.chunk = 256
	}
	_, err := r.Run(ctx, checkAdler.source+plainProgram, repl.AnswerLimit)
	return p, err
}

func (p *plainCaller) Call(ctx context.Context, kind byte, payload []byte, limit time.Duration) ([]byte, error) {
	p.seq++
	head := fmt.Appendf(nil, "%c%02x", kind, p.seq)
	code := fmt.Sprintf("_call(%d,'%c',%d,%s)", p.seq, kind, checkAdler.sum(head, payload), repl.Literal(payload))
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
			a, _, state := parseAnswer(checkAdler, out[i:])
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

func (p *plainCaller) Shrink(context.Context) (bool, error) {
	if p.chunk <= 64 {
		return false, nil
	}
	p.chunk /= 2
	return true, nil
}

func (p *plainCaller) Chunk() int { return p.chunk }
