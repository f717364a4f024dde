package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// VacateToZeros is [Vacate] that leaves zeros of this process in b, which can be read
// and written. At no time is there anything else than the file's memory or the zeros.
//
// They take memory when they are touched, not before. Two things stand against that:
// mlockall(MCL_FUTURE) fills memory when it becomes accessible, and with
// overcommit_memory=2 all private memory that can be written counts, touched or not.
func VacateToZeros(b []byte) error {
	unix.Munlock(b) // as in Vacate
	if moveZerosOver(b, -1, unix.MAP_PRIVATE|unix.MAP_ANON|mapNoReserve) == nil {
		return nil
	}
	// Shared memory counts when it is touched; with overcommit_memory=2 only that of a file.
	fd, flags := -1, unix.MAP_SHARED|unix.MAP_ANON|mapNoReserve
	if f, err := Memfd("vacated"); err == nil {
		defer f.Close()
		if f.Truncate(int64(len(b))) == nil {
			fd, flags = int(f.Fd()), unix.MAP_SHARED
		}
	}
	if moveZerosOver(b, fd, flags) == nil {
		return nil
	}
	// As many addresses again as b has are not there.
	return mapOver(b, fd, unix.PROT_READ|unix.PROT_WRITE, flags)
}

// moveZerosOver makes zeros somewhere else, where they can be unlocked before they
// become accessible, and moves them to b.
func moveZerosOver(b []byte, fd, flags int) error {
	p, err := unix.MmapPtr(fd, 0, nil, uintptr(len(b)), unix.PROT_NONE, flags)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	zeros := unsafe.Slice((*byte)(p), len(b))
	unix.Munlock(zeros)
	if err = unix.Mprotect(zeros, unix.PROT_READ|unix.PROT_WRITE); err == nil {
		_, err = unix.MremapPtr(p, uintptr(len(b)), unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)), unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED)
	}
	if err != nil {
		unix.MunmapPtr(p, uintptr(len(b)))
	}
	return err
}
