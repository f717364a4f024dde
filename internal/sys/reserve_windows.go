package sys

import (
	"os"
	"runtime"

	"golang.org/x/sys/windows"
)

// Reserve makes f at least size bytes long, with storage for all of them. It
// never makes f shorter.
func Reserve(f *os.File, size int64) error {
	if size == 0 {
		return nil // a section can't be empty
	}
	// A section larger than its file grows it.
	section, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READWRITE,
		uint32(size>>32), uint32(size), nil)
	runtime.KeepAlive(f)
	if err != nil {
		return os.NewSyscallError("CreateFileMapping", err)
	}
	return os.NewSyscallError("CloseHandle", windows.CloseHandle(section))
}
