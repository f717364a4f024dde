package local

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"golang.org/x/sys/unix"
)

// announce touches the socket's file, since listen itself raises no event: the
// change of attributes wakes every [Watch] of the path.
func announce(path string) {
	now := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	// Without the event waiters still find the server, by their own timer.
	_ = unix.UtimesNanoAt(unix.AT_FDCWD, path, now, unix.AT_SYMLINK_NOFOLLOW)
}

// Permit gives the file that made describes, and no other file that was put in its
// place, exactly the rights of the rule.
func Permit(path string, made fs.FileInfo, rule access.Rule) error {
	if rule.IsCarriedBy(path, made) {
		return nil
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("open", err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, made) {
		return fmt.Errorf("%s was replaced while it was being made (%w)", path, fs.ErrExist)
	}
	return rule.PermitFile(f)
}
