package mpy

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// run runs a program, with these files as its standard input, output and error,
// in a process group that ends with ctx. A program that fails is an
// [*exitError]. os/exec does the same for half as much again of what a build of
// a thousand modules spends besides the compiler: it opens a descriptor of each
// process, starts a goroutine for each, and puts the environment in order.
func run(ctx context.Context, path string, args []string, stdio [3]*os.File) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	pid, err := syscall.ForkExec(path, append([]string{path}, args...), &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{stdio[0].Fd(), stdio[1].Fd(), stdio[2].Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	runtime.KeepAlive(stdio)
	if err != nil {
		return &os.PathError{Op: "fork/exec", Path: path, Err: err}
	}
	var mu sync.Mutex
	reaped := false // its number may be another process's
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if !reaped {
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
	})
	defer stop()
	for err = unix.EINTR; errors.Is(err, unix.EINTR); { // wait, and leave it to be reaped
		err = unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
	}
	mu.Lock()
	defer mu.Unlock()
	reaped = true
	var status syscall.WaitStatus
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		_, err = syscall.Wait4(pid, &status, 0, nil)
	}
	switch {
	case err != nil:
		return os.NewSyscallError("wait", err)
	case status.Signaled():
		return &exitError{"signal: " + status.Signal().String()}
	case status.ExitStatus() != 0:
		return &exitError{"exit status " + strconv.Itoa(status.ExitStatus())}
	}
	return nil
}
