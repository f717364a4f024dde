package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// openLinkless opens the file at path, if no part of the path is a symbolic link: it
// fails with [unix.ELOOP] or [unix.ENOTDIR] otherwise. It goes from directory to
// directory, so that nothing that is put into the path meanwhile can lead it astray.
func openLinkless(path string, flags int) (*os.File, error) {
	dir, err := openAt(unix.AT_FDCWD, start(path), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	all := parts(path)
	for i, part := range all {
		opening := unix.O_PATH | unix.O_DIRECTORY
		if i == len(all)-1 {
			opening = flags
		}
		next, err := openAt(dir, part, opening)
		unix.Close(dir)
		if err != nil {
			return nil, err
		}
		dir = next
	}
	// With O_PATH a link is opened itself.
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil || st.Mode&unix.S_IFMT == unix.S_IFLNK {
		unix.Close(dir)
		if err == nil {
			err = unix.ELOOP
		}
		return nil, err
	}
	return os.NewFile(uintptr(dir), path), nil
}

func openAt(dir int, name string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Openat(dir, name, flags|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
