package wait

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// futexParker parks on one word, where the kernel has no futex_waitv. unpark
// interrupts its thread by a signal.
type futexParker struct {
	unparked atomic.Bool
	thread   atomic.Int32 // the thread that is parked, or about to be; 0 if none
}

func (p *futexParker) park(entries []*waitEntry, limit time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p.thread.Store(int32(unix.Gettid()))
	defer p.thread.Store(0)
	if p.unparked.Swap(false) {
		return nil
	}
	e := entries[0]
	err := sys.FutexWait(e.word.addr, e.old, limit)
	p.unparked.Store(false)
	switch err {
	case nil:
		e.woken = true
		return nil
	case unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		return nil
	default:
		return memoryGone(err)
	}
}

// unpark repeats the signal, because a signal that comes just before the system
// call has no effect on it.
func (p *futexParker) unpark() {
	for p.unparked.Store(true); p.unparked.Load(); time.Sleep(200 * time.Microsecond) {
		thread := p.thread.Load()
		if thread == 0 {
			return // the next park sees unparked
		}
		sys.Interrupt(int(thread))
	}
}

func (p *futexParker) capacity() int { return 1 }
