package port

import (
	"io"
	"io/fs"
)

// noFollow has no counterpart: making links takes a privilege here.
const noFollow = 0

// private is true: a user's folders are the user's.
func private(fs.FileInfo) bool { return true }

// lockTTY has nothing to do: Windows opens a port once.
func lockTTY(string) (io.Closer, error) { return nopCloser{}, nil }

// deniedHint says how one comes to be allowed to use a serial device.
func deniedHint(string) string { return "another program has it open, or this user may not use it" }

// accessible is true: whether a port opens, opening it will say.
func accessible(string) bool { return true }
