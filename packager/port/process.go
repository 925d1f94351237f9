package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"rules_romfs/internal/child"
)

// A process is a port that a program's stdin and stdout are.
type process struct {
	in   io.WriteCloser
	out  *os.File
	cmd  *exec.Cmd
	end  context.CancelFunc // ends cmd and what it started
	done chan struct{}
	err  error // how cmd ended, once done is closed
}

// openProcess starts command in the system's shell, so that quoting works as
// its user expects. Its stderr goes to ours.
func openProcess(command string) (io.ReadWriteCloser, error) {
	if strings.TrimSpace(command) == "" {
		return nil, &Error{Port: execScheme + ":" + command, Code: CodeName, Err: errors.New("there is no command"), Hint: "write it as exec:COMMAND"}
	}
	// A group of its own, too: Ctrl-C in the terminal is for us, who end the
	// program in order.
	ctx, end := context.WithCancel(context.Background())
	cmd := shell(ctx, command)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		end()
		return nil, err
	}
	// Not StdoutPipe: Wait would close it while the link still reads.
	out, w, err := os.Pipe()
	if err != nil {
		end()
		return nil, err
	}
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		end()
		out.Close()
		return nil, err
	}
	p := &process{in: in, out: out, cmd: cmd, end: end, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	return n, p.explain(err)
}

func (p *process) Write(b []byte) (int, error) {
	n, err := p.in.Write(b)
	return n, p.explain(err)
}

// explain says how the program ended, if it failed: its end comes just before or
// after that of its output.
func (p *process) explain(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-p.done:
		if p.err != nil {
			return fmt.Errorf("the command failed: %w", p.err)
		}
	case <-time.After(time.Second):
	}
	return err
}

// Close gives the program the end of its input and a moment, then ends it and
// what it started.
func (p *process) Close() error {
	err := p.in.Close()
	select {
	case <-p.done:
	case <-time.After(time.Second):
	}
	p.end()
	child.EndGroup(p.cmd) // it may have ended before what it started
	<-p.done
	p.out.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
