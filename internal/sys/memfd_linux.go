package sys

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Memfd returns a new file without a name, of size 0. name is what /proc shows.
func Memfd(name string) (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err == unix.ENOSYS {
		return nil, fmt.Errorf("this system has no memfd_create(2) (since Linux 3.17), which makes memory without a name; use a named segment (%w)", err)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "memfd:"+name), nil
}
