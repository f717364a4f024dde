package sys

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MoveAway has the calling thread run on another processor, if there is one that it may
// run on. It may come back later.
//
// If another process changes at the same time where the thread may run, as taskset does,
// that may be lost. Linux, since 6.2, remembers what the thread might run on now: it keeps
// to that when its cpuset grows later, or processors are added.
func MoveAway() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all unix.CPUSet
	var here uint32
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 {
		return
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&here)), 0, 0); errno != 0 {
		return
	}
	others := all
	others.Clear(int(here))
	if unix.SchedSetaffinity(0, &others) == nil {
		_ = unix.SchedSetaffinity(0, &all) // it may do now what it might before
	}
}
