package mpy

import (
	"io"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// A stdio is the standard input, output and error of one run: anonymous files in
// memory. mpy-cross reads 20 bytes and writes a few at a time, and with pipes
// each of these is a change of process: a first build takes a sixth longer
// (BenchmarkStdio). The files are new for each run, so that nothing which an
// earlier program left behind can write to them, and sealed at the size that
// bounds what may be printed.
type stdio struct {
	in, out, errs *os.File
}

// openStdio connects a program by files in memory.
func openStdio(cmd *exec.Cmd, in []byte) standard {
	s, err := newStdio(in)
	if err != nil {
		return openPipes(cmd, in) // a kernel without such files, or one that forbids them
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, s.out, s.errs
	return s
}

func newStdio(in []byte) (*stdio, error) {
	s := &stdio{}
	var err error
	if s.in, err = anonymous(); err == nil {
		_, err = s.in.WriteAt(in, 0)
	}
	for _, f := range []**os.File{&s.out, &s.errs} {
		if err == nil {
			*f, err = sealed(maxPrinted)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stdio) close() {
	for _, f := range []*os.File{s.in, s.out, s.errs} {
		f.Close() // closing a nil file only returns an error
	}
}

func (s *stdio) printed() (stdout, stderr []byte, full bool) {
	stdout, outFull := written(s.out)
	stderr, errsFull := written(s.errs)
	return stdout, stderr, outFull || errsFull
}

// written returns what was written to f: up to the place where the next write
// would go.
func written(f *os.File) (b []byte, full bool) {
	n, err := f.Seek(0, io.SeekCurrent)
	if err != nil || n >= maxPrinted {
		return nil, true
	}
	b = make([]byte, n)
	m, _ := f.ReadAt(b, 0)
	return b[:m], false
}

// anonymous returns a file in memory.
func anonymous() (*os.File, error) {
	fd, err := unix.MemfdCreate("romfs-mpy", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "romfs-mpy"), nil
}

// sealed returns a file in memory that cannot grow beyond size. It takes no more
// memory than is written to it.
func sealed(size int64) (*os.File, error) {
	f, err := anonymous()
	if err != nil {
		return nil, err
	}
	if err = f.Truncate(size); err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_GROW|unix.F_SEAL_SHRINK)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
