//go:build !unix

package smallfile

const nonblock = 0 // no FIFOs in the file system
