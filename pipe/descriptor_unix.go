//go:build unix

package pipe

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lastStandard is the highest descriptor of a standard stream. A process that has
// closed those gets their descriptors for what it opens next. A pipe must not keep
// one: os.File answers a write without a reader with SIGPIPE on 1 and 2, and what
// the process prints would go into the pipe.
const lastStandard = 2

// aboveStandard takes f over and returns it, or its copy with another descriptor in
// place of a standard stream's.
func aboveStandard(f *os.File) (*os.File, error) {
	above := -1
	raw, err := f.SyscallConn()
	if err == nil {
		cerr := raw.Control(func(fd uintptr) {
			if fd <= lastStandard {
				above, err = duplicateAbove(int(fd))
			}
		})
		err = errors.Join(err, cerr)
	}
	switch {
	case err != nil:
		f.Close()
		return nil, err
	case above < 0:
		return f, nil
	}
	defer f.Close()
	return os.NewFile(uintptr(above), f.Name()), nil
}

func duplicateAbove(fd int) (int, error) {
	above, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, lastStandard+1)
	return above, os.NewSyscallError("fcntl", err)
}

// takeStandard returns another descriptor in place of a standard stream's, which
// becomes the null device.
func takeStandard(fd int) (int, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return -1, err
	}
	defer null.Close()
	above, err := duplicateAbove(fd)
	if err != nil {
		return -1, err
	}
	if err := unix.Dup2(int(null.Fd()), fd); err != nil {
		unix.Close(above)
		return -1, os.NewSyscallError("dup2", err)
	}
	return above, nil
}
