//go:build unix && !openbsd

package mmap

import "golang.org/x/sys/unix"

// addressLimit returns how many bytes of addresses this process may use.
func addressLimit() (limit uint64, ok bool) {
	var l unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_AS, &l)
	return uint64(l.Cur), err == nil
}
