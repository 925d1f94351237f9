package device

import (
	"context"
	"errors"
	"strings"
	"time"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/packager/port"
	"rules_romfs/packager/repl"
)

// An Outcome is how the import of a module ended.
type Outcome string

// The ways.
const (
	Imported  Outcome = "imported"
	Raised    Outcome = "raised"    // an exception
	Exited    Outcome = "exited"    // SystemExit
	Restarted Outcome = "restarted" // the module reset the board
	Endless   Outcome = "endless"   // it did not end in time
)

// An Import is what came of importing a module.
type Import struct {
	Module  string  `json:"module"`
	Outcome Outcome `json:"outcome"`
	File    string  `json:"file,omitempty"`   // on the board, that it was imported from; "": the firmware's own
	Detail  string  `json:"detail,omitempty"` // the traceback of Raised, the argument of Exited, where Endless was interrupted ("": it was not to be interrupted)
	Output  string  `json:"output,omitempty"` // the end of what it printed
}

// interruptLimit bounds how long a module may take to heed Ctrl-C.
const interruptLimit = 3 * time.Second

// Import imports a module on a board at its raw REPL. One that does not end within limit is
// interrupted.
func (b *Board) Import(ctx context.Context, module string, limit time.Duration) (*Import, error) {
	r := b.repl
	err := r.Retry(ctx, func() error {
		_, err := r.Run(ctx, program(choices{"module": module}, "say", "built_in", "import"), repl.AnswerLimit)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := r.Start(ctx, "_own['_import']()\n"); err != nil {
		return nil, err
	}
	r.Raw = false // until it has ended
	m := &Import{Module: module}
	out, err := r.Ended(ctx, limit)
	if errors.Is(err, port.ErrTimeout) {
		m.Outcome = Endless
		if err := r.Link.Write(ctx, []byte(repl.Interrupt)); err != nil {
			return nil, err
		}
		var more []byte
		if more, err = r.Ended(ctx, interruptLimit); errors.Is(err, port.ErrTimeout) {
			m.Output = lastLines(string(out))
			return m, nil
		}
		out = append(out, more...)
	}
	switch {
	case errors.Is(err, port.ErrLost) || errors.Is(err, repl.ErrReset):
		m.Outcome = Restarted
	case err != nil:
		return nil, err
	default:
		if err := m.parse(ctx, r, out); err != nil {
			return nil, err
		}
	}
	m.Output = lastLines(string(out))
	return m, nil
}

// parse reads what the program on the board says came of it.
func (m *Import) parse(ctx context.Context, r *repl.REPL, out []byte) error {
	traceback, err := r.Traceback(ctx)
	if err != nil {
		return err
	}
	for tag, outcome := range map[string]Outcome{"m": Imported, "x": Exited, "e": Raised, "k": Raised} {
		text, ok := repl.Said(out, tag)
		if !ok {
			continue
		}
		text = strings.TrimSpace(strings.ReplaceAll(text, "\x1f", "\n"))
		switch outcome {
		case Imported:
			m.File = text
		case Raised:
			m.Detail = ownFrame().ReplaceAllString(text, "")
		default:
			m.Detail = text
		}
		if m.Outcome == "" || outcome != Raised {
			m.Outcome = outcome // it may have ended just when it was to be interrupted
		}
		return nil
	}
	// What imports it has itself failed, as for want of memory.
	if m.Detail = strings.TrimSpace(traceback); m.Outcome == "" {
		m.Outcome = Raised
	}
	return nil
}

// ownFrame is the line of a traceback with the program that imports.
var ownFrame = lazyregexp.New(`(?m)^ *File "<string>".*\n`)

// lastLines returns the end of what a module printed, without what this package's program did.
func lastLines(out string) string {
	if i := strings.LastIndex(out, "\n~"); i >= 0 {
		out = out[:i]
	}
	out = strings.TrimRight(strings.ReplaceAll(out, "\r\n", "\n"), "\r\n\x04")
	const most = 1000
	if len(out) > most {
		out = out[len(out)-most:]
		out = out[strings.IndexByte(out, '\n')+1:]
	}
	return out
}
