package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Reserve makes f at least size bytes long, with storage for all of them. It
// never makes f shorter, and if storage is missing it leaves the length alone.
// The error is [errors.ErrUnsupported] where the file system can't.
func Reserve(f *os.File, size int64) error {
	// In two steps, because some file systems grow the file as they go.
	if err := fallocate(f, unix.FALLOC_FL_KEEP_SIZE, size); err != nil {
		return err
	}
	return fallocate(f, 0, size)
}

func fallocate(f *os.File, mode uint32, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), mode, 0, size)
		if err != unix.EINTR {
			return os.NewSyscallError("fallocate", err)
		}
	}
}
