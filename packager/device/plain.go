package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A plainCaller runs commands by one raw-REPL command each, for firmware
// without select.poll or sys.stdin.buffer. It is slow and has no flow control
// of its own, but every command carries a checksum too.
type plainCaller struct {
	repl  *REPL
	chunk int
}

// plainProgram defines what link.py defines for the programs loaded later, and
// _call, which runs one command.
const plainProgram = `
_D={}
def _call(t,c,d):
 if ck(b'',d)!=c:
  k='?'
  a=b''
 else:
  try:
   k='='
   a=(exec(d,globals()) if t=='x' else _D[t](d)) or b''
  except Exception as e:
   k='!'
   a=('%s: %s'%(type(e).__name__,e)).encode()[:200]
 h='%s00%04x'%(k,len(a))
 print('~%s%08x%s'%(h,ck(h.encode(),a),a.decode()))
`

func startPlain(ctx context.Context, r *REPL, info *Info) (*plainCaller, error) {
	p := &plainCaller{repl: r, chunk: 1024}
	if info.Largest < 16<<10 {
		p.chunk = 256
	}
	_, err := r.Run(ctx, checkAdler.source+plainProgram, answerLimit)
	return p, err
}

// literal writes b as a Python bytes literal without control characters.
func literal(b []byte) string {
	var s strings.Builder
	s.WriteString("b'")
	for _, c := range b {
		switch {
		case c == '\\' || c == '\'':
			s.WriteByte('\\')
			s.WriteByte(c)
		case c < 0x20 || c > 0x7e:
			fmt.Fprintf(&s, "\\x%02x", c)
		default:
			s.WriteByte(c)
		}
	}
	s.WriteByte('\'')
	return s.String()
}

func (p *plainCaller) Call(ctx context.Context, kind byte, payload []byte, limit time.Duration) ([]byte, error) {
	code := fmt.Sprintf("_call('%c',%d,%s)", kind, checkAdler.sum(nil, payload), literal(payload))
	var err error
	for range maxTries {
		var out []byte
		if out, err = p.repl.Exec(ctx, code, limit); err != nil {
			var exec *ExecError
			if errors.As(err, &exec) && strings.Contains(exec.Traceback, "SyntaxError") {
				continue // damaged on the way
			}
			return nil, err
		}
		i := bytes.LastIndexByte(out, '~')
		if i < 0 {
			err = errors.New("its answer is not readable")
			break
		}
		a, _, state := parseAnswer(checkAdler, out[i:])
		switch {
		case state != whole:
			err = errors.New("its answer is not readable")
		case a.kind == '=':
			return a.body, nil
		case a.kind == '!':
			return nil, &BoardError{string(a.body)}
		default:
			err = errors.New("what was sent arrived damaged")
			continue
		}
		break
	}
	return nil, &TransferError{"waiting for " + p.repl.Link.Name(), err}
}

func (p *plainCaller) Load(ctx context.Context, source string) error {
	for _, piece := range pieces(source, p.chunk) {
		if _, err := p.Call(ctx, 'x', []byte(piece), answerLimit); err != nil {
			return fmt.Errorf("loading the program: %w", err)
		}
	}
	return nil
}

func (p *plainCaller) Shrink(context.Context) (bool, error) {
	if p.chunk <= 64 {
		return false, nil
	}
	p.chunk /= 2
	return true, nil
}

func (p *plainCaller) Chunk() int { return p.chunk }
