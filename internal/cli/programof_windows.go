package cli

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// programOfProcess returns the name of a process's program, "" if it can't be learned.
func programOfProcess(pid int) string {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(h)
	path := make([]uint16, windows.MAX_LONG_PATH)
	n := uint32(len(path))
	if windows.QueryFullProcessImageName(h, 0, &path[0], &n) != nil {
		return ""
	}
	return printable(filepath.Base(windows.UTF16ToString(path[:n])), "")
}
