//go:build unix && !solaris

package mmap

import "golang.org/x/sys/unix"

// lockLimit returns how many bytes this process may lock in memory.
func lockLimit() (limit uint64, ok bool) {
	var l unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &l)
	return uint64(l.Cur), err == nil
}
