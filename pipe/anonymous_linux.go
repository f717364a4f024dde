package pipe

import (
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"golang.org/x/sys/unix"
)

func setPipeBuffer(f *os.File, size int) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	if err := raw.Control(func(fd uintptr) {
		_, set = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size)
	}); err != nil {
		return err
	}
	if errors.Is(set, os.ErrPermission) {
		return fmt.Errorf("%s %d is more than this user may have; see /proc/sys/fs/pipe-max-size and pipe-user-pages-soft (%w)", fail.Go("Config.BufferSize"), size, set)
	}
	return os.NewSyscallError("F_SETPIPE_SZ", set)
}
