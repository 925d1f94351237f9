package simtest

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"rules_romfs/packager/simboard"
)

//go:embed inspect.py
var inspectProgram string

// inspectLimit bounds one look at a partition: a damaged one can make the driver loop.
const inspectLimit = 20 * time.Second

// A View is what MicroPython's ROMFS driver makes of a partition.
type View struct {
	Mounted bool              `json:"mounted"`
	Files   map[string]string `json:"files"` // path -> sha256 in hex
	Error   string            `json:"error"` // what the driver raised after mounting, or how it died
}

// An Inspector looks at partitions with the real driver, VfsRom, in one
// interpreter that is started anew when it dies.
type Inspector struct {
	interpreter string
	cmd         *exec.Cmd
	in          io.WriteCloser
	out         *bufio.Reader
}

// NewInspector makes an inspector; interpreter as in Options.
func NewInspector(interpreter string) (*Inspector, error) {
	path, err := simboard.FindInterpreter(interpreter)
	if err != nil {
		return nil, err
	}
	return &Inspector{interpreter: path}, nil
}

// Partition looks at a partition of a board, which may be off.
func (i *Inspector) Partition(ctx context.Context, b *simboard.Board, id int) (View, error) {
	p := b.FlashPlaces()[id]
	return i.File(ctx, b.FlashFile(), p.Offset, p.Size)
}

// Replayed looks at a partition as the last cut of a Replayer leaves it.
func (i *Inspector) Replayed(ctx context.Context, r *Replayer, id int) (View, error) {
	offset, size := r.log.Partition(id)
	return i.File(ctx, r.path, offset, size)
}

// File looks at size bytes at an offset of a file. An error means that the
// inspector does not work; what is wrong with the partition is in the View.
func (i *Inspector) File(ctx context.Context, path string, offset, size int64) (View, error) {
	if err := i.start(); err != nil {
		return View{}, err
	}
	request, err := json.Marshal([]any{path, offset, size})
	if err != nil {
		return View{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, inspectLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { i.cmd.Process.Kill() })
	defer stop()
	if _, err := i.in.Write(append(request, '\n')); err != nil {
		i.Close()
		return View{}, fmt.Errorf("inspect %s: %w", path, err)
	}
	line, err := i.out.ReadBytes('\n')
	if err != nil {
		i.Close()
		if ctx.Err() == nil {
			return View{Mounted: true, Error: "the driver crashed"}, nil
		}
		return View{Mounted: true, Error: "the driver did not end"}, nil
	}
	var v View
	if err := json.Unmarshal(line, &v); err != nil {
		return View{}, fmt.Errorf("inspect %s: %w: %q", path, err, line)
	}
	return v, nil
}

func (i *Inspector) start() error {
	if i.cmd != nil {
		return nil
	}
	cmd := exec.Command(i.interpreter, "-c", inspectProgram)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe() // its end is the interpreter's end, should this process die
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	i.cmd, i.in, i.out = cmd, in, bufio.NewReader(out)
	return nil
}

// Close ends the interpreter. The inspector can be used again.
func (i *Inspector) Close() error {
	if i.cmd == nil {
		return nil
	}
	i.in.Close()
	i.cmd.Process.Kill()
	i.cmd.Wait()
	i.cmd = nil
	return nil
}
