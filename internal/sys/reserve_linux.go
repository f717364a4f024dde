package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Reserve makes f at least size bytes long, with storage for all of them. It
// never makes f shorter, and if storage is missing it leaves the length alone.
func Reserve(f *os.File, size int64) error {
	if size == 0 {
		return nil // fallocate refuses it
	}
	// In two steps, because some file systems grow the file as they go.
	err := fallocate(f, unix.FALLOC_FL_KEEP_SIZE, size)
	switch err {
	case nil:
		return os.NewSyscallError("fallocate", fallocate(f, 0, size))
	case unix.EOPNOTSUPP:
		return appendZeros(f, size)
	}
	return os.NewSyscallError("fallocate", err)
}

func fallocate(f *os.File, mode uint32, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), mode, 0, size)
		if err != unix.EINTR {
			return err
		}
	}
}
