//go:build unix

package sys

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MapGranularity divides every offset that [MapFile] takes.
var MapGranularity = os.Getpagesize()

// MapFile maps n bytes of f from off on. n is not 0. What is beyond the end of f can't be
// touched before f has grown.
func MapFile(f *os.File, off int64, n int, p Protection) ([]byte, error) {
	prot, flags := unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED
	switch p {
	case ReadOnly:
		prot = unix.PROT_READ
	case CopyOnWrite:
		flags = unix.MAP_PRIVATE
	}
	addr, err := unix.MmapPtr(int(f.Fd()), off, nil, uintptr(n), prot, flags)
	runtime.KeepAlive(f)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return unsafe.Slice((*byte)(addr), n), nil
}

// Vacate gives up the memory of b, a whole result of [MapFile]. The address range stays
// taken; touching it faults. That needs no memory.
func Vacate(b []byte) error {
	// In a process that locks all its memory what takes b's place counts as locked, too.
	unix.Munlock(b)
	err := mapOver(b, -1, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|mapNoReserve)
	unix.Munlock(b)
	return err
}

// mapOver maps a file, or zeros, in the place of b in one step.
func mapOver(b []byte, fd, prot, flags int) error {
	_, err := unix.MmapPtr(fd, 0, unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)), prot, unix.MAP_FIXED|flags)
	return os.NewSyscallError("mmap", err)
}

// Unmap gives the address range back. An access to b after that faults, or reaches
// memory that was mapped there since.
func Unmap(b []byte) error {
	return os.NewSyscallError("munmap", unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b))))
}

// FlushMemory writes what was changed in b, which starts on a page, to its file
// and waits until it is there.
func FlushMemory(b []byte) error { return os.NewSyscallError("msync", unix.Msync(b, unix.MS_SYNC)) }

// LockMemory keeps b, which starts on a page, in RAM.
func LockMemory(b []byte) error { return os.NewSyscallError("mlock", unix.Mlock(b)) }

// UnlockMemory undoes [LockMemory].
func UnlockMemory(b []byte) error { return os.NewSyscallError("munlock", unix.Munlock(b)) }
