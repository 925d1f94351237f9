package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// watches edits one module of 1,000 while `romfs deploy --watch` runs, and measures
// until the board has imported it: over USB with what its host adds, and a UART.
func watches(b *bench) ([]contestant, error) {
	var all []contestant
	for _, link := range []struct{ name, faults string }{
		{"USB, 1 MB/s, 1 ms", "baud=10000000&latency=1ms"},
		{"115200 baud", "baud=115200"},
	} {
		w, err := b.watch("watch-"+link.faults[5:9], "sim:rp2?size=4MiB&"+link.faults)
		if err != nil {
			return nil, err
		}
		all = append(all, contestant{name: link.name, timed: w.edit})
	}
	return all, nil
}

// A watching is a `romfs deploy --watch` that runs.
type watching struct {
	module string // that is edited
	lines  *bufio.Scanner
	edits  int
}

// watch starts one on a tree of its own.
func (b *bench) watch(name, port string) (*watching, error) {
	dir, err := b.once(name, func(dir string) error { return fill(dir, 1000) })
	if err != nil {
		return nil, err
	}
	micropython, err := b.peers("micropython")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(b.romfs, "deploy", "--watch", "--progress", "none", "--cache-dir", b.cache("warm"), "--port", port, "--import", "pkg025.m00500", dir)
	cmd.Env = append(os.Environ(), "ROMFS_MICROPYTHON="+micropython, "ROMFS_CACHE="+b.cache(name))
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		return nil, err
	}
	b.ends = append(b.ends, func() {
		cmd.Process.Signal(os.Interrupt)
		io.Copy(io.Discard, out)
		cmd.Wait()
		out.Close()
	})
	w := &watching{module: filepath.Join(dir, "pkg025", "m00500.py"), lines: bufio.NewScanner(out)}
	return w, w.until("watching ")
}

// until reads what it prints up to a line with that text.
func (w *watching) until(text string) error {
	for w.lines.Scan() {
		switch line := w.lines.Text(); {
		case strings.Contains(line, text):
			return nil
		case strings.HasPrefix(line, "error"):
			return errors.New(line)
		}
	}
	return fmt.Errorf("romfs deploy --watch ended: %w", errors.Join(w.lines.Err(), io.ErrUnexpectedEOF))
}

// edit saves the module with another line and waits for the board.
func (w *watching) edit() (time.Duration, error) {
	source, err := os.ReadFile(w.module)
	if err != nil {
		return 0, err
	}
	w.edits++
	source = fmt.Appendf(source, "EDIT = %d\n", w.edits)
	start := time.Now()
	if err := os.WriteFile(w.module, source, 0o666); err != nil {
		return 0, err
	}
	err = w.until(" changed: imported ")
	return time.Since(start), err
}
