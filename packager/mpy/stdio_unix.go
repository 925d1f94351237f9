//go:build unix

package mpy

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
)

// A stdio is the standard input, output and error of one compiler after the
// other: files without a name. mpy-cross reads 20 bytes and writes a few at a
// time, and with pipes each of these is a change of process; with files a
// compilation takes a third less time.
type stdio struct{ in, out, errs *os.File }

var stdios sync.Pool

func takeStdio() (*stdio, error) {
	if s, ok := stdios.Get().(*stdio); ok {
		return s, nil
	}
	var s stdio
	var err error
	for _, f := range []**os.File{&s.in, &s.out, &s.errs} {
		if *f, err = nameless(); err != nil {
			s.close()
			return nil, err
		}
	}
	return &s, nil
}

func (s *stdio) close() {
	for _, f := range []*os.File{s.in, s.out, s.errs} {
		f.Close() // closing a nil file only returns an error
	}
}

// runStdio runs cmd with in as its input, and returns what it printed.
func runStdio(cmd *exec.Cmd, in []byte) (stdout, stderr []byte, err error) {
	s, err := takeStdio()
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(fill(s.in, in), fill(s.out, nil), fill(s.errs, nil)); err != nil {
		s.close()
		return nil, nil, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, s.out, s.errs
	err = cmd.Run()
	stdout, outErr := drain(s.out)
	stderr, errsErr := drain(s.errs)
	if err != nil || outErr != nil || errsErr != nil {
		s.close() // what it had started may still write
		return stdout, stderr, errors.Join(err, outErr, errsErr)
	}
	stdios.Put(s)
	return stdout, stderr, nil
}

// fill makes b the content of a file, and its start the place to go on.
func fill(f *os.File, b []byte) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	if len(b) > 0 {
		if _, err := f.WriteAt(b, 0); err != nil {
			return err
		}
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

func drain(f *os.File) ([]byte, error) {
	n, err := f.Seek(0, io.SeekEnd)
	if err != nil || n == 0 {
		return nil, err
	}
	b := make([]byte, n)
	_, err = f.ReadAt(b, 0)
	return b, err
}

// unlinked returns a file in the system's folder for such files that has no
// name any more.
func unlinked() (*os.File, error) {
	f, err := os.CreateTemp("", "romfs-mpy-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
