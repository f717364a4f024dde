package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Links returns how many names the open file has. Waiters call it repeatedly. The
// call never blocks on a local file system, and telling the scheduler of it would
// cost more than the call.
func Links(f *os.File) (n uint64, err error) {
	file, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	closed := file.Control(func(fd uintptr) {
		var stat unix.Stat_t
		if _, _, errno := unix.RawSyscall(unix.SYS_FSTAT, fd, uintptr(unsafe.Pointer(&stat)), 0); errno != 0 {
			err = os.NewSyscallError("fstat", errno)
		}
		n = uint64(stat.Nlink)
	})
	if closed != nil {
		return 0, os.ErrClosed
	}
	return n, err
}
