//go:build !unix

package rooted

const nonblock = 0 // no FIFOs in the file system
