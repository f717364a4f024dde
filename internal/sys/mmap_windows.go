package sys

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/windows"
)

// MapGranularity divides every offset that [MapFile] takes: Windows' allocation
// granularity, the same on all its machines.
var MapGranularity = 64 << 10

// MapFile maps n bytes of f from off on. n is not 0.
func MapFile(f *os.File, off int64, n int, p Protection) ([]byte, error) {
	prot := uint32(windows.PAGE_READWRITE)
	switch p {
	case ReadOnly:
		prot = windows.PAGE_READONLY
	case CopyOnWrite:
		prot = windows.PAGE_WRITECOPY
	}
	section, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, prot, 0, 0, nil)
	runtime.KeepAlive(f)
	if err != nil {
		return nil, os.NewSyscallError("CreateFileMapping", err)
	}
	// The view keeps the section.
	defer windows.CloseHandle(section)
	return MapSection(section, off, n, p)
}

// MapSection maps n bytes of a section from off on, all of it if n is 0. What
// all of it is, the system rounds up to whole pages.
func MapSection(section windows.Handle, off int64, n int, p Protection) ([]byte, error) {
	access := uint32(windows.FILE_MAP_READ | windows.FILE_MAP_WRITE)
	switch p {
	case ReadOnly:
		access = windows.FILE_MAP_READ
	case CopyOnWrite:
		access = windows.FILE_MAP_COPY
	}
	base, err := windows.MapViewOfFile(section, access, uint32(off>>32), uint32(off), uintptr(n))
	if err != nil {
		return nil, os.NewSyscallError("MapViewOfFile", err)
	}
	if n == 0 {
		var info windows.MemoryBasicInformation
		if err := windows.VirtualQuery(base, &info, unsafe.Sizeof(info)); err != nil {
			windows.UnmapViewOfFile(base)
			return nil, os.NewSyscallError("VirtualQuery", err)
		}
		n = int(info.RegionSize)
	}
	// The memory is not Go's, so the collector has no part in its address.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&base)), n), nil
}

// Unmap gives the address range back. An access to b after that faults, or reaches
// memory that was mapped there since.
func Unmap(b []byte) error {
	return os.NewSyscallError("UnmapViewOfFile", windows.UnmapViewOfFile(addressOf(b)))
}

// FlushMemory hands what was changed in b, which starts on a page, to the
// system's cache.
func FlushMemory(b []byte) error {
	return os.NewSyscallError("FlushViewOfFile", windows.FlushViewOfFile(addressOf(b), uintptr(len(b))))
}

// LockMemory keeps b, which starts on a page, in RAM.
func LockMemory(b []byte) error {
	return os.NewSyscallError("VirtualLock", windows.VirtualLock(addressOf(b), uintptr(len(b))))
}

// UnlockMemory undoes [LockMemory].
func UnlockMemory(b []byte) error {
	return os.NewSyscallError("VirtualUnlock", windows.VirtualUnlock(addressOf(b), uintptr(len(b))))
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
