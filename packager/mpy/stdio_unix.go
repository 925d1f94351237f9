//go:build unix

package mpy

import (
	"context"
	"errors"
	"io"
	"os"
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

// runStdio runs a program with in as its input, and returns what it printed. A
// program that fails is an [*exitError].
func runStdio(ctx context.Context, path string, args []string, in []byte) (stdout, stderr []byte, err error) {
	s, err := takeStdio()
	if err != nil {
		return nil, nil, err
	}
	if err := s.fill(in); err != nil {
		s.close()
		return nil, nil, err
	}
	err = run(ctx, path, args, [3]*os.File{s.in, s.out, s.errs})
	stdout, outErr := printed(s.out)
	stderr, errsErr := printed(s.errs)
	if err != nil || outErr != nil || errsErr != nil {
		s.close() // what it had started may still write
		return stdout, stderr, errors.Join(err, outErr, errsErr)
	}
	stdios.Put(s)
	return stdout, stderr, nil
}

// fill makes in the content of the input, and the start of each file the place
// to go on. What an earlier program printed is left to be overwritten: to cut a
// file would only make the next one allocate its memory again.
func (s *stdio) fill(in []byte) error {
	if _, err := s.in.WriteAt(in, 0); err != nil {
		return err
	}
	if err := s.in.Truncate(int64(len(in))); err != nil {
		return err
	}
	for _, f := range []*os.File{s.in, s.out, s.errs} {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	return nil
}

// printed returns what was written to f since its start: up to the place where
// the next write would go.
func printed(f *os.File) ([]byte, error) {
	n, err := f.Seek(0, io.SeekCurrent)
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
