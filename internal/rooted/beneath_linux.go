package rooted

import "golang.org/x/sys/unix"

// beneath opens a file with one call that the kernel keeps below root, which is
// several times as fast as os.Root. It fails where that does not say how it is,
// too: at a link that os.Root has to judge, and in a kernel without the call.
func beneath(root, name string) (fd int, ok bool) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(dir)
	fd, err = unix.Openat2(dir, name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | nonblock,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	})
	return fd, err == nil
}
