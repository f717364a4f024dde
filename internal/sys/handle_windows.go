package sys

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var queryObject = ntdll.NewProc("NtQueryObject")

// HandleCount returns how many handles of an object all processes have.
func HandleCount(h windows.Handle) (int, error) {
	const basicInformation = 0
	var info struct {
		attributes, access, handles, pointers uint32
		_                                     [10]uint32
	}
	status, _, _ := queryObject.Call(uintptr(h), basicInformation, uintptr(unsafe.Pointer(&info)), unsafe.Sizeof(info), 0)
	if status != 0 {
		return 0, ntError("NtQueryObject", windows.NTStatus(status))
	}
	return int(info.handles), nil
}
