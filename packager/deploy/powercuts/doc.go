// Package powercuts has the tests that no cut of power leaves half an image: they
// cut deploys at every step of the flash, on every port, and at many bytes of the
// line, ask MicroPython's own driver what it mounts, and deploy again.
package powercuts
