package sys

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The operations of futex(2) that are used.
const (
	futexWait    = 0
	futexWake    = 1
	futexPrivate = 128
)

// FutexWait sleeps while *addr is old, in memory that processes share. It
// returns nil if a wake-up reached it, and otherwise EAGAIN if *addr is not
// old, ETIMEDOUT after timeout, or EINTR.
func FutexWait(addr *uint32, old uint32, timeout time.Duration) error {
	ts := unix.NsecToTimespec(int64(timeout))
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexWait, uintptr(old),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// FutexWake wakes up to n threads of any process that sleep on *addr, and returns
// how many it woke. It never blocks.
func FutexWake(addr *uint32, n int) int { return wake(addr, futexWake, n) }

// FutexWakePrivate is FutexWake for the threads of this process that sleep
// privately, which is cheaper.
func FutexWakePrivate(addr *uint32, n int) int { return wake(addr, futexWake|futexPrivate, n) }

func wake(addr *uint32, op uintptr, n int) int {
	woken, _, errno := unix.RawSyscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), op, uintptr(n))
	if errno != 0 {
		return 0 // the memory has gone, so no thread sleeps on it
	}
	return int(woken)
}

// Interrupt makes the system call that the given thread of this process sleeps
// in return EINTR. It uses the signal that the Go runtime interrupts its own
// threads with, and handles.
func Interrupt(tid int) { unix.Tgkill(os.Getpid(), tid, unix.SIGURG) }
