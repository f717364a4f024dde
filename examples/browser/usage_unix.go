//go:build unix

package main

import (
	"syscall"
	"time"
)

// usage returns how much of the processor's time this process has used, and how many bytes
// of memory it has resident.
func usage() (cpu time.Duration, resident int64, err error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0, err
	}
	resident, err = residentMemory()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), resident, err
}
