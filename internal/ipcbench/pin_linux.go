package ipcbench

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// setAffinity lets this process run on one CPU only. Threads that it starts later inherit
// that.
func setAffinity(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if !set.IsSet(cpu) {
		return fmt.Errorf("there is no CPU %d (%w)", cpu, os.ErrInvalid)
	}
	// A thread that is started during the first look is there in the second.
	for range 2 {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err == nil {
				err = unix.SchedSetaffinity(id, &set)
			}
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("CPU %d: sched_setaffinity: %w", cpu, err)
			}
		}
	}
	return nil
}
