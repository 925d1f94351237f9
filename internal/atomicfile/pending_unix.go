//go:build !windows

package atomicfile

import (
	"path/filepath"

	"github.com/google/renameio/v2"
)

type pending struct{ *renameio.PendingFile }

func newPending(path string) (pending, error) {
	// Without a directory, renameio tries $TMPDIR first, which is rarely on
	// the target's file system.
	f, err := renameio.NewPendingFile(path,
		renameio.WithTempDir(filepath.Dir(path)),
		renameio.WithPermissions(0o666),
		renameio.WithExistingPermissions())
	return pending{f}, err
}

func (p pending) commit() error  { return p.CloseAtomicallyReplace() }
func (p pending) cleanup() error { return p.PendingFile.Cleanup() }
