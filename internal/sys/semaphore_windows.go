package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	createSemaphore  = kernel32.NewProc("CreateSemaphoreW")
	openSemaphore    = kernel32.NewProc("OpenSemaphoreW")
	releaseSemaphore = kernel32.NewProc("ReleaseSemaphore")
	querySemaphore   = ntdll.NewProc("NtQuerySemaphore")
)

// SemaphoreRights are the rights to wait for a semaphore, to release and query it,
// and to read its owner, as access.Rule takes them.
const SemaphoreRights = "0x120003"

const semaphoreRights = windows.SYNCHRONIZE | windows.READ_CONTROL | 2 | 1 // SEMAPHORE_MODIFY_STATE, SEMAPHORE_QUERY_STATE

// CreateSemaphore makes a semaphore with a full name. It fails with
// ERROR_ALREADY_EXISTS if a semaphore has the name, and with ERROR_INVALID_HANDLE
// if another kind of object does.
func CreateSemaphore(name string, value, most int32, security *windows.SecurityAttributes) (windows.Handle, error) {
	n, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, _, err := createSemaphore.Call(uintptr(unsafe.Pointer(security)), uintptr(value), uintptr(most), uintptr(unsafe.Pointer(n)))
	if h != 0 && err == windows.ERROR_ALREADY_EXISTS {
		windows.CloseHandle(windows.Handle(h)) // it is the one that existed
		h = 0
	}
	if h == 0 {
		return 0, os.NewSyscallError("CreateSemaphore", err)
	}
	return windows.Handle(h), nil
}

// OpenSemaphore opens the semaphore with a full name. It fails with
// ERROR_FILE_NOT_FOUND if there is none, and with ERROR_INVALID_HANDLE if another
// kind of object has the name.
func OpenSemaphore(name string) (windows.Handle, error) {
	n, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, _, err := openSemaphore.Call(semaphoreRights, 0, uintptr(unsafe.Pointer(n)))
	if h == 0 {
		return 0, os.NewSyscallError("OpenSemaphore", err)
	}
	return windows.Handle(h), nil
}

// ReleaseSemaphore adds n and returns the value before. It fails with
// ERROR_TOO_MANY_POSTS, and changes nothing, if that would exceed the maximum.
func ReleaseSemaphore(h windows.Handle, n int32) (previous int32, err error) {
	ok, _, err := releaseSemaphore.Call(uintptr(h), uintptr(n), uintptr(unsafe.Pointer(&previous)))
	if ok == 0 {
		return 0, os.NewSyscallError("ReleaseSemaphore", err)
	}
	return previous, nil
}

// QuerySemaphore returns a semaphore's value and maximum.
func QuerySemaphore(h windows.Handle) (value, most int32, err error) {
	const basicInformation = 0
	var info struct{ value, most int32 }
	status, _, _ := querySemaphore.Call(uintptr(h), basicInformation, uintptr(unsafe.Pointer(&info)), unsafe.Sizeof(info), 0)
	if status != 0 {
		return 0, 0, ntError("NtQuerySemaphore", windows.NTStatus(status))
	}
	return info.value, info.most, nil
}
