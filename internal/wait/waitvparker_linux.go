package wait

import (
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// waitvParker parks on many words by futex_waitv. unpark wakes it by a word of
// this process, which is the first in the list. Of several words that were woken
// the kernel names the last one, so that unpark never hides a wake-up.
type waitvParker struct {
	unparked atomic.Uint32 // 1 from unpark until park returns
	words    []sys.Futex
}

func newWaitvParker(capacity int) *waitvParker {
	return &waitvParker{words: make([]sys.Futex, 0, capacity+1)}
}

func (p *waitvParker) park(entries []*waitEntry, limit time.Duration) error {
	p.words = append(p.words[:0], sys.NewFutex(futexWord(&p.unparked), 0, true))
	for _, e := range entries {
		p.words = append(p.words, sys.NewFutex(e.word.addr, e.old, false))
	}
	i, err := sys.FutexWaitv(p.words, limit)
	p.unparked.Store(0)
	switch err {
	case nil:
		if i > 0 {
			entries[i-1].woken = true
		}
		return nil
	case unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		return nil
	default:
		return memoryGone(err)
	}
}

func (p *waitvParker) unpark() {
	if p.unparked.Swap(1) == 0 {
		sys.FutexWakePrivate(futexWord(&p.unparked), 1)
	}
}

func (p *waitvParker) capacity() int { return cap(p.words) - 1 }
