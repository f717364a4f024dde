//go:build unix && !linux

package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// openLinkless opens the file at path, unless it is a symbolic link. It looks at the
// directories before: they may be replaced meanwhile.
func openLinkless(path string, flags int) (*os.File, error) {
	path, err := Locate(path)
	if err != nil {
		return nil, err
	}
	for {
		fd, err := unix.Open(path, flags|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if err != unix.EINTR {
			return nil, err
		}
	}
}
