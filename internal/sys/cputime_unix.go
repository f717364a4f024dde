//go:build unix && !linux

package sys

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime returns the user and system CPU time that this process has used so
// far; pid must be 0, since the system doesn't tell of other processes.
func CPUTime(pid int) (time.Duration, error) {
	if pid != 0 {
		return 0, fmt.Errorf("the CPU time of another process can't be read on this system (%w)", errors.ErrUnsupported)
	}
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), nil
}
