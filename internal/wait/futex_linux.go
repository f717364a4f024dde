package wait

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// futex sleeps on one word, where the kernel has no futex_waitv. Its bell
// interrupts the thread.
type futex struct {
	bell   atomic.Bool
	thread atomic.Int32 // who sleeps, or is about to; 0 if nobody
}

func (s *futex) sleep(arms []*arm, limit time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s.thread.Store(int32(unix.Gettid()))
	defer s.thread.Store(0)
	if s.bell.Swap(false) {
		return nil
	}
	a := arms[0]
	err := sys.FutexWait(a.word.addr, a.old, limit)
	s.bell.Store(false)
	switch err {
	case nil:
		a.woken = true
		return nil
	case unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		return nil
	default:
		return gone(err)
	}
}

// ring interrupts again and again, as the thread may have been about to sleep.
func (s *futex) ring() {
	for s.bell.Store(true); s.bell.Load(); time.Sleep(200 * time.Microsecond) {
		thread := s.thread.Load()
		if thread == 0 {
			return // who comes next sees the bell
		}
		sys.Interrupt(int(thread))
	}
}

func (s *futex) room() int { return 1 }
