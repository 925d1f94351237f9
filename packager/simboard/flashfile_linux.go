package simboard

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"rules_romfs/packager/simboard/drivers"
	"rules_romfs/packager/simboard/flashsim"
)

// A flashFile is a flash in a file, which this process writes and the
// interpreter maps and reads.
type flashFile struct {
	*flashsim.Flash
	file *os.File
	mem  []byte
}

// openFlash maps the flash file, which is made erased if it is missing or empty.
func openFlash(path string, parts []Partition, habits flashsim.Habits) (*flashFile, error) {
	places := make([]flashsim.Place, len(parts))
	for i, p := range parts {
		d, err := drivers.Lookup(p.Driver)
		if err != nil {
			return nil, err
		}
		places[i] = flashsim.Place{Size: p.Size, Erase: p.Erase, Cells: d.Cells}
	}
	size := flashsim.LayOut(places)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &BusyError{"flash file " + path + ": another simulated board has it"}
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	f := &flashFile{file: file}
	if err := f.mapFile(places, size); err != nil {
		f.unlock()
		return nil, err
	}
	f.Flash = flashsim.New(f.mem, places, habits)
	return f, nil
}

func (f *flashFile) mapFile(places []flashsim.Place, size int64) error {
	info, err := f.file.Stat()
	if err != nil || size == 0 {
		return err
	}
	fresh := info.Size() == 0
	if !fresh && info.Size() != size {
		return fmt.Errorf("flash file %s has %d bytes, but this board's flash takes %d; name another file, or delete it", f.file.Name(), info.Size(), size)
	}
	if err := f.file.Truncate(size); err != nil {
		return err
	}
	if f.mem, err = unix.Mmap(int(f.file.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("map %s: %w", f.file.Name(), err)
	}
	if fresh {
		flashsim.Blank(f.mem, places)
	}
	return nil
}

func (f *flashFile) close() {
	f.Close()
	if f.mem != nil {
		unix.Munmap(f.mem)
		f.mem = nil
	}
	f.unlock()
}

// unlock closes the file. Closing alone would leave the lock with a program that
// is being started at this moment, until it runs.
func (f *flashFile) unlock() {
	unix.Flock(int(f.file.Fd()), unix.LOCK_UN)
	f.file.Close()
}
