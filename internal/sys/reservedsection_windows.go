package sys

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

var querySection = ntdll.NewProc("NtQuerySection")

// ReservedSectionRights is what [OpenReservedSection] asks for: SECTION_QUERY,
// SECTION_MAP_WRITE and SECTION_MAP_READ.
const ReservedSectionRights = 0x7

// Attributes of a section.
const (
	secFile    = 0x800000  // SEC_FILE
	secImage   = 0x1000000 // SEC_IMAGE
	secReserve = 0x4000000 // SEC_RESERVE
)

// CreateReservedSection makes a section with a full name, of size bytes that are backed by
// the paging file and not committed: each page of a view faults until [CommitMemory]. It
// fails with ERROR_ALREADY_EXISTS if a section has the name.
func CreateReservedSection(name string, size int64, security *windows.SecurityAttributes) (windows.Handle, error) {
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, err := windows.CreateFileMapping(windows.InvalidHandle, security, windows.PAGE_READWRITE|secReserve, uint32(size>>32), uint32(size), p)
	if err != nil && h != 0 {
		windows.CloseHandle(h) // it is the one that existed
	}
	return h, os.NewSyscallError("CreateFileMapping", err)
}

// OpenReservedSection opens what [CreateReservedSection] has made in another process. It
// fails with ERROR_FILE_NOT_FOUND if there is none.
func OpenReservedSection(name string) (windows.Handle, error) {
	n, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	h, _, err := openFileMapping.Call(ReservedSectionRights, 0, uintptr(unsafe.Pointer(n)))
	if h == 0 {
		return 0, os.NewSyscallError("OpenFileMapping", err)
	}
	return windows.Handle(h), nil
}

// SectionInfo is what the system says of a section: SECTION_BASIC_INFORMATION.
type SectionInfo struct {
	base       uintptr
	Attributes uint32 // SEC_RESERVE, SEC_COMMIT, SEC_FILE, SEC_IMAGE …
	Size       int64  // in whole pages, unless it is a file's
}

// OfFile reports whether the pages are a file's, so that reading one may fail.
func (i SectionInfo) OfFile() bool { return i.Attributes&(secFile|secImage) != 0 }

// QuerySection needs SECTION_QUERY.
func QuerySection(h windows.Handle) (info SectionInfo, err error) {
	const basicInformation = 0
	status, _, _ := querySection.Call(uintptr(h), basicInformation, uintptr(unsafe.Pointer(&info)), unsafe.Sizeof(info), 0)
	return info, ntError("NtQuerySection", windows.NTStatus(status))
}

// CommitMemory has the pages of b, which lies in a view of a reserved section, take memory
// as they are touched. Those that are committed already, by any process, stay as they are;
// nothing can take that back while the section lives.
func CommitMemory(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := windows.VirtualAlloc(addressOf(b), uintptr(len(b)), windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return fmt.Errorf("%d bytes of memory can't be had: %w", len(b), os.NewSyscallError("VirtualAlloc", err))
	}
	return nil
}
