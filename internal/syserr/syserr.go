// Package syserr words the errors of the system for messages that have named
// the file already, or name it otherwise.
package syserr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Reason returns what the system says, without the operation and the path: "no
// such file or directory". It is err itself if there is nothing to take off.
func Reason(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	case errors.As(err, &call):
		return call.Err
	}
	return err
}

// Plain words an error of the system as "PATH: no such file or directory",
// without the operation.
func Plain(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return err
}
