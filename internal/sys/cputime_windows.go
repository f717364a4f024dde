package sys

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// CPUTime returns the user and system CPU time that a process has used so far;
// pid 0 is this process. Windows counts in ticks, mostly of 15.6 ms: only sums
// over many times that mean something. Wine answers for this process whatever
// the pid.
func CPUTime(pid int) (time.Duration, error) {
	process := windows.CurrentProcess()
	if pid != 0 {
		var err error
		process, err = windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
		if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
			err = os.ErrProcessDone
		}
		if err != nil {
			return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		defer windows.CloseHandle(process)
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return span(kernel) + span(user), nil
}

// span is for Filetimes that are lengths of time, in units of 100 ns, not dates.
func span(t windows.Filetime) time.Duration {
	return time.Duration(uint64(t.HighDateTime)<<32|uint64(t.LowDateTime)) * 100
}
