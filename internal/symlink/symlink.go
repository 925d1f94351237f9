// Package symlink finds where symbolic links lead that lead to nothing yet.
package symlink

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Target returns where a file has to be made so that it is there under path, which
// may be a link to nothing, over other links too. If a directory on the way is not
// there, the place comes with the error; it is "" if links lead in a circle.
func Target(path string) (string, error) {
	for range 40 { // as Linux does
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link
		}
		if !filepath.IsAbs(to) {
			beside, _ := filepath.Split(path)
			to = beside + to // not cleaned: ".." may follow a link
		}
		dir, name := filepath.Split(to)
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			return to, err
		}
		path = filepath.Join(dir, name)
	}
	return "", &fs.PathError{Op: "open", Path: path, Err: errors.New("too many links")}
}
