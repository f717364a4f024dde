package sys

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var queryMutant = ntdll.NewProc("NtQueryMutant")

// MutexRights are the rights to wait for a mutex, to release and query it, and to
// read its owner, as access.Rule takes them.
const MutexRights = "0x120001"

const mutexRights = windows.SYNCHRONIZE | windows.READ_CONTROL | windows.MUTEX_MODIFY_STATE

// CreateMutex makes a mutex with a full name, which the calling thread owns. If the
// mutex exists CreateMutex opens it without taking it, and reports that it existed.
// It fails with ERROR_INVALID_HANDLE if another kind of object has the name.
func CreateMutex(name string, security *windows.SecurityAttributes) (h windows.Handle, existed bool, err error) {
	n, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, false, err
	}
	h, err = windows.CreateMutexEx(security, n, windows.CREATE_MUTEX_INITIAL_OWNER, mutexRights)
	if h == 0 {
		return 0, false, os.NewSyscallError("CreateMutexEx", err)
	}
	return h, errors.Is(err, windows.ERROR_ALREADY_EXISTS), nil
}

// OpenMutex opens the mutex with a full name. It fails with ERROR_FILE_NOT_FOUND
// if there is none, and with ERROR_INVALID_HANDLE if another kind of object has
// the name.
func OpenMutex(name string) (windows.Handle, error) {
	n, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.OpenMutex(mutexRights, false, n)
	return h, os.NewSyscallError("OpenMutex", err)
}

// MutexInfo is the state of a mutex.
type MutexInfo struct {
	Held      bool
	Abandoned bool // its last holder died, and it was not taken since
	PID       int  // the holder's process, 0 if that isn't known
}

// QueryMutex returns whether a mutex is held, and by which process.
func QueryMutex(h windows.Handle) (MutexInfo, error) {
	const (
		basicInformation = iota
		ownerInformation // since Windows Vista; Wine lacks it
	)
	var basic struct {
		count         int32
		ownedByCaller bool
		abandoned     bool
	}
	status, _, _ := queryMutant.Call(uintptr(h), basicInformation, uintptr(unsafe.Pointer(&basic)), unsafe.Sizeof(basic), 0)
	if status != 0 {
		return MutexInfo{}, ntError("NtQueryMutant", windows.NTStatus(status))
	}
	info := MutexInfo{Held: basic.count <= 0, Abandoned: basic.abandoned}
	if info.Held {
		var owner struct{ process, thread uintptr }
		status, _, _ = queryMutant.Call(uintptr(h), ownerInformation, uintptr(unsafe.Pointer(&owner)), unsafe.Sizeof(owner), 0)
		if status == 0 {
			info.PID = int(owner.process)
		}
	}
	return info, nil
}
