//go:build unix && !linux

package worker

import "golang.org/x/sys/unix"

// setRlimit sets both values, whose type differs between systems.
func setRlimit(r *unix.Rlimit, n int64) {
	setNumber(&r.Cur, n)
	setNumber(&r.Max, n)
}

func setNumber[T int64 | uint64](to *T, n int64) { *to = T(n) }
