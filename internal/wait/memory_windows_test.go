package wait

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

const memorySize = 1 << 20

// mapFile maps the start of a file; unmap undoes it.
func mapFile(f *os.File) (memory []byte, unmap func() error, err error) {
	section, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READWRITE, 0, memorySize, nil)
	if err != nil {
		return nil, nil, err
	}
	defer windows.CloseHandle(section)
	address, err := windows.MapViewOfFile(section, windows.FILE_MAP_WRITE, 0, 0, memorySize)
	if err != nil {
		return nil, nil, err
	}
	base := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	return unsafe.Slice((*byte)(base), memorySize), func() error { return windows.UnmapViewOfFile(address) }, nil
}

// threads counts those of this process.
func threads(t testing.TB) (n int) {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(snapshot)
	var e windows.ThreadEntry32
	e.Size = uint32(unsafe.Sizeof(e))
	for err = windows.Thread32First(snapshot, &e); err == nil; err = windows.Thread32Next(snapshot, &e) {
		if e.OwnerProcessID == windows.GetCurrentProcessId() {
			n++
		}
	}
	return n
}
