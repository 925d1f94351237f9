package simboard

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A ring is the receive buffer between the link and the interpreter's
// standard input: a pipe that outlives interpreters, of which only size bytes
// are used. The kernel tells how many are unread, so that a full ring loses or
// holds back exactly what a board's would.
type ring struct {
	mu     sync.Mutex // of each operation on the pipe
	reader *os.File
	writer *os.File
	size   int
	drop   bool // a full ring loses bytes; otherwise it holds the link back
	off    bool // the UART is not up: nothing is heard
	life   int  // how often it was switched on: what waits for room does not outlive a reset
	lost   int64
}

func newRing(size int, drop bool) (*ring, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	// The writer must never block; the reader's end belongs to the interpreter, which must.
	unix.SetNonblock(fds[1], true)
	unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, 1<<16)
	return &ring{reader: os.NewFile(uintptr(fds[0]), "stdin"), writer: os.NewFile(uintptr(fds[1]), "ring"), size: size, drop: drop, off: true}, nil
}

// put adds bytes that have come in a life of the ring, and waits for room unless the ring drops.
// With a limit, the ring takes bytes only up to that fill and loses the rest. It gives up when stop
// is closed, and loses what is left when that life ends.
func (r *ring) put(data []byte, life, limit int, stop <-chan struct{}) {
	size, drop := r.size, r.drop
	if limit > 0 {
		size, drop = min(size, limit), true
	}
	for len(data) > 0 {
		n, alive := r.tryPut(data, life, size)
		data = data[n:]
		if len(data) > 0 && (drop || !alive) {
			r.lose(len(data))
			return
		}
		if len(data) > 0 {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
	}
}

// lose counts bytes that are gone.
func (r *ring) lose(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost += int64(n)
}

// lostBytes returns how many bytes are gone, and may start counting afresh.
func (r *ring) lostBytes(restart bool) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.lost
	if restart {
		r.lost = 0
	}
	return n
}

func (r *ring) tryPut(data []byte, life, size int) (n int, alive bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.off || r.life != life {
		return 0, false
	}
	n = min(size-r.unreadBytes(), len(data))
	if n <= 0 {
		return 0, true
	}
	n, err := unix.Write(int(r.writer.Fd()), data[:n])
	if err != nil {
		return 0, true
	}
	return n, true
}

// switchOn begins a life, switchOff ends it, and what was received in it is forgotten.
func (r *ring) switchOn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = false
	r.life++
}

func (r *ring) switchOff() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.off = true
	r.take()
}

// lifetime is which life this is.
func (r *ring) lifetime() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.life
}

// unreadBytes is how full the ring is; r.mu is held.
func (r *ring) unreadBytes() int {
	n, err := unix.IoctlGetInt(int(r.reader.Fd()), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return n
}

// unread puts bytes back in front of those that wait.
func (r *ring) unread(data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	data = append(data, r.take()...)
	unix.Write(int(r.writer.Fd()), data)
}

// take empties the ring; r.mu is held.
func (r *ring) take() []byte {
	buf := make([]byte, r.unreadBytes())
	if len(buf) == 0 {
		return nil
	}
	n, err := unix.Read(int(r.reader.Fd()), buf)
	if err != nil {
		return nil
	}
	return buf[:n]
}

// clear forgets what was received.
func (r *ring) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.take()
}

// close waits for the operation that is under way: the number of the pipe that it
// uses is the next file's once it is closed.
func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reader.Close()
	r.writer.Close()
}
