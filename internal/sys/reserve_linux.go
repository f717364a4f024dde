package sys

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const blockSize = 512 // the unit of st_blocks

// Reserve makes f at least size bytes long, with storage for all of them. It never makes
// f shorter. If it fails f is as long as before, and has no storage that it had not,
// except in holes, if storage ran out while they were filled.
//
// A process that grows f at the moment when Reserve fails may lose that.
func Reserve(f *os.File, size int64) error {
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	missing := size - stat.Blocks*blockSize
	if missing <= 0 && size <= stat.Size {
		return nil
	}
	if err := checkSpace(f, missing); err != nil {
		return err
	}
	block := int64(stat.Blksize)
	end := (stat.Size + block - 1) / block * block
	err := reserve(f, end, size)
	if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
		return appendZeros(f, size)
	}
	if err == nil {
		return nil
	}
	var now unix.Stat_t
	if unix.Fstat(int(f.Fd()), &now) == nil && now.Size == stat.Size && now.Blocks > stat.Blocks {
		f.Truncate(stat.Size) // gives back what is beyond the end
	}
	return os.NewSyscallError("fallocate", err)
}

// reserve works in two steps, because some file systems grow the file as they go, and
// begins behind the last block of the file, which ends at end: there it can be undone.
func reserve(f *os.File, end, size int64) error {
	if size > end {
		if err := fallocate(f, unix.FALLOC_FL_KEEP_SIZE, end, size-end); err != nil {
			return err
		}
	}
	return fallocate(f, 0, 0, size)
}

func fallocate(f *os.File, mode uint32, off, n int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), mode, off, n)
		if err != unix.EINTR {
			return err
		}
	}
}

// checkSpace fails if there are not so many bytes of storage. It is better not to begin
// than to fill the disk, and a hole that was filled can't be made again without harm.
func checkSpace(f *os.File, n int64) error {
	var disk unix.Statfs_t
	switch {
	case n <= 0 || unix.Fstatfs(int(f.Fd()), &disk) != nil:
		return nil
	case disk.Blocks == 0 && int64(disk.Type) == unix.TMPFS_MAGIC: // as of memfd_create
		return checkMemory(n)
	case disk.Blocks == 0: // it has no limit
		return nil
	}
	if free := disk.Bfree * uint64(disk.Bsize); uint64(n) > free {
		return fmt.Errorf("%d bytes of storage are missing, and %d are free (%w)", n, free, unix.ENOSPC)
	}
	return nil
}

// checkMemory fails if the machine has not so many bytes of memory: the system would kill
// processes, of others too, to make room. A bound of this process's cgroup is not looked at.
func checkMemory(n int64) error {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return nil
	}
	unit := uint64(info.Unit)
	if uint64(n) <= uint64(info.Freeram)*unit {
		return nil
	}
	free, err := availableMemory()
	if err != nil {
		free = uint64(info.Totalram) * unit
	}
	if free += uint64(info.Freeswap) * unit; uint64(n) > free {
		return fmt.Errorf("%d bytes of memory are missing, and %d are free (%w)", n, free, unix.ENOSPC)
	}
	return nil
}

// availableMemory returns how many bytes of memory can be had without swapping: those that
// are free, and those of caches.
func availableMemory() (uint64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "MemAvailable:")
	var kilobytes uint64
	_, err = fmt.Sscan(rest, &kilobytes)
	return kilobytes << 10, err
}
