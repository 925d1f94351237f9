package port

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// acquireFile takes the lock called key as one on an empty file in a folder of
// the user's own: nobody else can put anything there for us to open. The files
// stay; what is locked is never removed, so that everybody locks the same.
func acquireFile(key string) (io.Closer, error) {
	dir, err := lockDir()
	if err != nil {
		return nil, err
	}
	return acquireIn(dir, key)
}

// lockDir returns a folder for locks: one that goes with the user's session, or
// the user's cache.
func lockDir() (string, error) {
	base := os.Getenv("XDG_RUNTIME_DIR")
	if base == "" {
		var err error
		if base, err = os.UserCacheDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(base, "rules_romfs", "locks"), nil
}

func acquireIn(dir, key string) (io.Closer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || !private(info) {
		return nil, fmt.Errorf("%s is not this user's alone; make it so, or remove it", dir)
	}
	f := flock.New(filepath.Join(dir, key+".lock"), flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600))
	ok, err := f.TryLock()
	if err == nil && !ok {
		err = fmt.Errorf("%w: another romfs has it", errLocked)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
