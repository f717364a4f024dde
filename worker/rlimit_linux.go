package worker

import "golang.org/x/sys/unix"

// setRlimit sets both values, whose type differs between systems.

func setRlimit(r *unix.Rlimit, n int64) { r.Cur, r.Max = uint64(n), uint64(n) }
