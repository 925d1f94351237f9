package atomicfile

import (
	"os"
	"path/filepath"
)

// renameio has no Windows support; os.Rename replaces an existing file there.
type pending struct {
	*os.File
	path string
}

func newPending(path string) (pending, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
	return pending{f, path}, err
}

func (p pending) commit() error {
	if err := p.Sync(); err != nil {
		return err
	}
	if err := p.File.Close(); err != nil {
		return err
	}
	return os.Rename(p.Name(), p.path)
}

func (p pending) cleanup() error {
	p.File.Close() // already closed after commit
	if err := os.Remove(p.Name()); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
