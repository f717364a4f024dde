package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	openDirectoryObject  = ntdll.NewProc("NtOpenDirectoryObject")
	queryDirectoryObject = ntdll.NewProc("NtQueryDirectoryObject")
)

// NamedObject is an entry of a directory of the kernel.
type NamedObject struct{ Name, Type string }

// ReadObjectDirectory returns what is in a directory of the kernel's objects, such as
// \BaseNamedObjects. It opens none of them.
func ReadObjectDirectory(path string) (all []NamedObject, err error) {
	name, err := windows.NewNTUnicodeString(path)
	if err != nil {
		return nil, err
	}
	oa := windows.OBJECT_ATTRIBUTES{ObjectName: name, Attributes: windows.OBJ_CASE_INSENSITIVE}
	oa.Length = uint32(unsafe.Sizeof(oa))
	const directoryQuery = 1
	var h windows.Handle
	status, _, _ := openDirectoryObject.Call(uintptr(unsafe.Pointer(&h)), directoryQuery, uintptr(unsafe.Pointer(&oa)))
	if status != 0 {
		return nil, ntError("NtOpenDirectoryObject", windows.NTStatus(status))
	}
	defer windows.CloseHandle(h)

	// struct OBJECT_DIRECTORY_INFORMATION, whose strings are in the buffer behind it.
	type information struct{ name, kind windows.NTUnicodeString }
	buf := make([]uint64, 8<<10) // uint64 for its alignment
	size := uintptr(len(buf)) * 8
	var next uint32
	for {
		const oneEntry, goOn = 1, 0
		status, _, _ := queryDirectoryObject.Call(uintptr(h), uintptr(unsafe.Pointer(&buf[0])), size, oneEntry, goOn,
			uintptr(unsafe.Pointer(&next)), 0)
		switch windows.NTStatus(status) {
		case 0:
		case windows.STATUS_NO_MORE_ENTRIES:
			return all, nil
		default:
			return nil, os.NewSyscallError("NtQueryDirectoryObject", windows.NTStatus(status).Errno())
		}
		info := (*information)(unsafe.Pointer(&buf[0]))
		all = append(all, NamedObject{info.name.String(), info.kind.String()})
	}
}
