package sys

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime returns the user and system CPU time that a process has used so far;
// pid 0 is this process. The process is not disturbed, not even woken. A
// thread that runs on another CPU at the moment is counted up to the kernel's
// last tick (1 to 10 ms ago), or up to when it last slept.
func CPUTime(pid int) (time.Duration, error) {
	// clock_getcpuclockid(3): the complement of the pid, above three bits of
	// which CPUCLOCK_SCHED, 2, selects the scheduler's count in nanoseconds.
	var ts unix.Timespec
	switch err := unix.ClockGettime(^int32(pid)<<3|2, &ts); err {
	case nil:
		return time.Duration(ts.Nano()), nil
	case unix.EINVAL:
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, os.ErrProcessDone)
	default:
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
}
