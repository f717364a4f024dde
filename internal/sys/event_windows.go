package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var queryEvent = ntdll.NewProc("NtQueryEvent")

// EventRights are the rights to wait for an event, to set, reset and query it, and
// to read its owner, as access.Rule takes them.
const EventRights = "0x120003"

const eventRights = windows.SYNCHRONIZE | windows.READ_CONTROL | windows.EVENT_MODIFY_STATE | 1 // EVENT_QUERY_STATE

// CreateEvent makes an event with a full name, which is not set. It fails with
// ERROR_ALREADY_EXISTS if an event has the name, and with ERROR_INVALID_HANDLE if
// another kind of object does.
func CreateEvent(name string, manual bool, security *windows.SecurityAttributes) (windows.Handle, error) {
	n, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	reset := uint32(0)
	if manual {
		reset = 1
	}
	h, err := windows.CreateEvent(security, reset, 0, n)
	if err != nil {
		if h != 0 {
			windows.CloseHandle(h) // it is the one that existed
		}
		return 0, os.NewSyscallError("CreateEvent", err)
	}
	return h, nil
}

// OpenEvent opens the event with a full name. It fails with ERROR_FILE_NOT_FOUND
// if there is none, and with ERROR_INVALID_HANDLE if another kind of object has
// the name.
func OpenEvent(name string) (windows.Handle, error) {
	n, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.OpenEvent(eventRights, false, n)
	return h, os.NewSyscallError("OpenEvent", err)
}

// QueryEvent reports whether an event is reset by hand, and whether it is set.
func QueryEvent(h windows.Handle) (manual, set bool, err error) {
	const basicInformation = 0
	var info struct{ kind, state int32 }
	status, _, _ := queryEvent.Call(uintptr(h), basicInformation, uintptr(unsafe.Pointer(&info)), unsafe.Sizeof(info), 0)
	if status != 0 {
		return false, false, ntError("NtQueryEvent", windows.NTStatus(status))
	}
	return info.kind == 0, info.state != 0, nil // NotificationEvent
}
