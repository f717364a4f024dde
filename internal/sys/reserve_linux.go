package sys

import (
	"fmt"
	"os"

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
	if err == unix.EOPNOTSUPP {
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
	if unix.Fstatfs(int(f.Fd()), &disk) != nil || disk.Blocks == 0 { // it has no limit
		return nil
	}
	if free := disk.Bfree * uint64(disk.Bsize); n > 0 && uint64(n) > free {
		return fmt.Errorf("%d bytes of storage are missing, and %d are free (%w)", n, free, unix.ENOSPC)
	}
	return nil
}
