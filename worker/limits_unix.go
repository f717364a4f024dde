//go:build unix

package worker

import (
	"fmt"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/fail"
	"golang.org/x/sys/unix"
)

// apply bounds this process, a worker, for good.
func (l Limits) apply() error {
	seconds := (l.CPU + time.Second - 1) / time.Second
	for _, limit := range []struct {
		name     fail.Go
		resource int
		value    int64
	}{
		{fail.Go("Limits.Memory"), unix.RLIMIT_DATA, l.Memory},
		{fail.Go("Limits.CPU"), unix.RLIMIT_CPU, int64(seconds)},
		{fail.Go("Limits.Files"), unix.RLIMIT_NOFILE, int64(l.Files)},
	} {
		if limit.value == 0 {
			continue
		}
		var r unix.Rlimit
		setRlimit(&r, limit.value)
		if err := unix.Setrlimit(limit.resource, &r); err != nil {
			return fmt.Errorf("%s %d can't be set: %w", limit.name, limit.value, os.NewSyscallError("setrlimit", err))
		}
	}
	return nil
}
