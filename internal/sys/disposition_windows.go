package sys

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// DeleteWhenClosed says whether the open file h, which needs the right DELETE, is
// removed with its last handle. Until then no process can open it.
func DeleteWhenClosed(h windows.Handle, remove bool) error {
	info := struct{ deleteFile byte }{} // FILE_DISPOSITION_INFO
	if remove {
		info.deleteFile = 1
	}
	err := windows.SetFileInformationByHandle(h, windows.FileDispositionInfo, &info.deleteFile, uint32(unsafe.Sizeof(info)))
	return os.NewSyscallError("SetFileInformationByHandle", err)
}
