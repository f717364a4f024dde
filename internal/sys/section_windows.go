package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var openFileMapping = kernel32.NewProc("OpenFileMappingW")

// CreateSection makes a section of memory with a full name. It fails with
// ERROR_ALREADY_EXISTS if a section has the name, and with ERROR_INVALID_HANDLE
// if another kind of object does.
func CreateSection(name string, size int64, security *windows.SecurityAttributes) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateFileMapping(windows.InvalidHandle, security, windows.PAGE_READWRITE, uint32(size>>32), uint32(size), p)
	if err != nil && h != 0 {
		windows.CloseHandle(h) // it is the one that existed
	}
	return h, os.NewSyscallError("CreateFileMapping", err)
}

// OpenSection opens the section with a full name. It fails with
// ERROR_FILE_NOT_FOUND if there is none, and with ERROR_INVALID_HANDLE if
// another kind of object has the name.
func OpenSection(name string, p Protection) (windows.Handle, error) {
	n, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	access := uintptr(windows.FILE_MAP_READ | windows.FILE_MAP_WRITE | windows.READ_CONTROL)
	if p == ReadOnly {
		access = windows.FILE_MAP_READ | windows.READ_CONTROL
	}
	h, _, err := openFileMapping.Call(access, 0, uintptr(unsafe.Pointer(n)))
	if h == 0 {
		return 0, os.NewSyscallError("OpenFileMapping", err)
	}
	return windows.Handle(h), nil
}
