package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// pending is a temporary file beside the one that it will replace.
type pending struct {
	*os.File
	path    string // of the target
	release func() // until then nobody sweeps the file
	done    bool
}

// newPending begins a file with the mode of the one that it replaces, or with
// 0666 before umask.
func newPending(path string) (*pending, error) {
	for {
		name := filepath.Join(filepath.Dir(path), Temporary())
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		release, ok := Hold(f)
		if !ok {
			f.Close()
			continue
		}
		p := &pending{File: f, path: path, release: release}
		if old, err := os.Stat(path); err == nil {
			if err := f.Chmod(old.Mode().Perm()); err != nil {
				return nil, errors.Join(err, p.cleanup())
			}
		}
		return p, nil
	}
}

// commit does not wait until the disk has the file: it would take most of the
// time of a build. After a loss of power the target may be empty or the old
// one; the sidecar's digest tells an image that is not whole, and the next build
// makes it again.
func (p *pending) commit() error {
	defer p.release()
	if err := p.File.Close(); err != nil {
		return err
	}
	if err := os.Rename(p.Name(), p.path); err != nil {
		return err
	}
	p.done = true
	return nil
}

func (p *pending) cleanup() error {
	defer p.release()
	if p.done {
		return nil
	}
	p.File.Close() // already closed if commit failed
	if err := os.Remove(p.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p.done = true
	return nil
}
