package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// OpenMqueueFS opens the directory that shows the POSIX queues of this process's IPC
// namespace as files: where it is mounted, on /dev/mqueue, or else for this call alone,
// which only the superuser may do.
func OpenMqueueFS() (*os.File, error) {
	const (
		mounted = "/dev/mqueue"
		magic   = 0x19800202 // linux/magic.h: MQUEUE_MAGIC
	)
	var of unix.Statfs_t
	if unix.Statfs(mounted, &of) == nil && uint32(of.Type) == magic {
		return os.Open(mounted)
	}
	fs, err := unix.Fsopen("mqueue", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, os.NewSyscallError("fsconfig", err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("fsmount", err)
	}
	defer unix.Close(mount)
	dir, err := unix.Openat(mount, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("openat", err)
	}
	return os.NewFile(uintptr(dir), mounted), nil
}
