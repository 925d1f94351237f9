package device

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"rules_romfs/internal/child"
)

// A process is a port that a program's stdin and stdout are.
type process struct {
	io.WriteCloser
	io.Reader
	cmd  *exec.Cmd
	end  context.CancelFunc // ends cmd and what it started
	done chan struct{}
}

// openProcess starts command in the system's shell, so that quoting works as
// its user expects. Its stderr goes to ours.
func openProcess(command string) (io.ReadWriteCloser, error) {
	if strings.TrimSpace(command) == "" {
		return nil, errors.New("write it as exec:COMMAND")
	}
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/c"
	}
	// A group of its own, too: Ctrl-C in the terminal is for us, who end the
	// program in order.
	ctx, end := context.WithCancel(context.Background())
	cmd := child.Command(ctx, shell, flag, command)
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
	p := &process{WriteCloser: in, Reader: out, cmd: cmd, end: end, done: make(chan struct{})}
	go func() {
		cmd.Wait() // how it ended does not matter: the link saw the end of its output
		close(p.done)
	}()
	return p, nil
}

// Close gives the program the end of its input and a moment, then ends it and
// what it started.
func (p *process) Close() error {
	err := p.WriteCloser.Close()
	select {
	case <-p.done:
	case <-time.After(time.Second):
	}
	p.end()
	child.EndGroup(p.cmd) // it may have ended before what it started
	<-p.done
	p.Reader.(*os.File).Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
