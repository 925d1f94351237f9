package device

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// A process is a port that a program's stdin and stdout are.
type process struct {
	io.WriteCloser
	io.Reader
	cmd  *exec.Cmd
	done chan struct{}
}

// openProcess starts command in the system's shell, so that quoting works as
// its user expects. Its stderr goes to ours.
func openProcess(command string) (io.ReadWriteCloser, error) {
	if strings.TrimSpace(command) == "" {
		return nil, errors.New("write it as exec:COMMAND")
	}
	cmd := exec.Command("/bin/sh", "-c", command)
	if runtime.GOOS == "windows" {
		cmd = exec.Command("cmd", "/c", command)
	}
	ownGroup(cmd)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	// Not StdoutPipe: Wait would close it while the link still reads.
	out, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		out.Close()
		return nil, err
	}
	p := &process{WriteCloser: in, Reader: out, cmd: cmd, done: make(chan struct{})}
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
	endGroup(p.cmd)
	<-p.done
	p.Reader.(*os.File).Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
