package sys

import (
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxFutexes is how many words one call of [FutexWaitv] can wait for.
const MaxFutexes = 128

// Futex is struct futex_waitv. The address is a number, so the caller keeps the
// word alive and in place.
type Futex struct {
	old   uint64
	addr  uint64
	flags uint32
	_     uint32
}

// NewFutex describes a wait while *addr is old.
func NewFutex(addr *uint32, old uint32, private bool) Futex {
	const size32, privateFlag = 2, 128
	f := Futex{old: uint64(old), addr: uint64(uintptr(unsafe.Pointer(addr))), flags: size32}
	if private {
		f.flags |= privateFlag
	}
	return f
}

// FutexWaitv sleeps until a wake-up reaches one of the words, and returns its index.
// If wake-ups reached several words it returns the last of these; the wake-ups of
// the others are used up, too.
// Errors are those of [FutexWait].
func FutexWaitv(words []Futex, timeout time.Duration) (int, error) {
	ts := unix.NsecToTimespec(int64(Clock() + clockOffset() + timeout)) // absolute
	i, _, errno := unix.Syscall6(unix.SYS_FUTEX_WAITV, uintptr(unsafe.Pointer(&words[0])), uintptr(len(words)), 0,
		uintptr(unsafe.Pointer(&ts)), unix.CLOCK_MONOTONIC, 0)
	runtime.KeepAlive(words)
	if errno != 0 {
		return 0, errno
	}
	return int(i), nil
}

// clockOffset is how far Clock is behind CLOCK_MONOTONIC. Both run at the same rate;
// Clock needs no system call.
var clockOffset = sync.OnceValue(func() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0 // not on a system that has the call
	}
	return time.Duration(ts.Nano()) - Clock()
})

// HasFutexWaitv reports whether the kernel has the call (since Linux 5.16) and
// no sandbox forbids it.
var HasFutexWaitv = sync.OnceValue(func() bool {
	_, _, errno := unix.RawSyscall6(unix.SYS_FUTEX_WAITV, 0, 0, 0, 0, unix.CLOCK_MONOTONIC, 0)
	return errno == unix.EINVAL // it complains about what it was given
})
