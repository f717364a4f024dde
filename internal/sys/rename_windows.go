package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// RenameFile gives the open file h, which needs the right DELETE, the full path,
// and fails if that is taken.
func RenameFile(h windows.Handle, path string) error {
	name, err := windows.UTF16FromString(path)
	if err != nil {
		return err
	}
	name = name[:len(name)-1]
	// FILE_RENAME_INFO: ReplaceIfExists 0, RootDirectory 0, FileNameLength in
	// bytes, FileName.
	type renameInfo struct {
		replace uint32
		root    windows.Handle
		length  uint32
		name    [windows.MAX_LONG_PATH]uint16
	}
	info := &renameInfo{length: uint32(2 * len(name))}
	copy(info.name[:], name)
	size := unsafe.Offsetof(info.name) + 2*uintptr(len(name)) + 2
	err = windows.SetFileInformationByHandle(h, windows.FileRenameInfo, (*byte)(unsafe.Pointer(info)), uint32(size))
	return os.NewSyscallError("SetFileInformationByHandle", err)
}
