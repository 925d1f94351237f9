// Package slashpath takes paths with slashes apart and puts them together where
// "" is the root: names in an image and below a manifest's root.
package slashpath

import "strings"

// Parent returns the directory that a path lies in, "" for the root.
func Parent(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }

// Join returns the path of a name in a directory.
func Join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
