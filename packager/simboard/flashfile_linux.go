package simboard

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openFlash maps the flash file, which is made erased if it is missing or empty.
func openFlash(path string, parts []Partition) (*flash, error) {
	layout, size := layOut(parts)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	f := &flash{file: file, layout: layout}
	if err := f.mapFile(size); err != nil {
		file.Close()
		return nil, err
	}
	f.scan()
	return f, nil
}

func (f *flash) mapFile(size int64) error {
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
		fill(f.mem, guardByte)
		for _, p := range f.layout {
			fill(f.mem[p.offset:p.offset+p.Size], 0xff)
		}
	}
	return nil
}

func fill(b []byte, c byte) {
	for i := range b {
		b[i] = c
	}
}

func (f *flash) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mem != nil {
		unix.Munmap(f.mem)
		f.mem = nil
	}
	f.file.Close()
}
