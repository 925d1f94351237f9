package simtest

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"rules_romfs/packager/simboard/flashsim"
)

// A Replayer is flashsim's, whose flash is kept in a file, so that an Inspector
// or another board can look at it.
type Replayer struct {
	*flashsim.Replayer
	log  *flashsim.Log
	path string
	mem  []byte
}

// NewReplayer makes the file in dir.
func NewReplayer(log *flashsim.Log, dir string) (*Replayer, error) {
	path := filepath.Join(dir, "replay.flash")
	if err := os.WriteFile(path, log.Before, 0o600); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mem, err := unix.Mmap(int(f.Fd()), 0, len(log.Before), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	return &Replayer{flashsim.NewReplayer(log, mem), log, path, mem}, nil
}

// Close removes the file.
func (r *Replayer) Close() error {
	unix.Munmap(r.mem)
	return os.Remove(r.path)
}
