package sys

import (
	"os"

	"golang.org/x/sys/windows"
)

var (
	kernel32 = windows.NewLazySystemDLL("kernel32.dll")
	advapi32 = windows.NewLazySystemDLL("advapi32.dll")
	ntdll    = windows.NewLazySystemDLL("ntdll.dll")
)

// ntError returns the error of the Windows interface for a status of the native
// one, 0 or nil being none.
func ntError(call string, err error) error {
	if status, ok := err.(windows.NTStatus); ok {
		if status == 0 {
			return nil
		}
		err = status.Errno()
	}
	return os.NewSyscallError(call, err)
}
