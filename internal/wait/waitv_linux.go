package wait

import (
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/unix"
)

// waitv sleeps on many words by futex_waitv. Its bell is a word of this process,
// the first in the list: the kernel tells the last one that was woken, so that a
// wake-up is never hidden by the bell.
type waitv struct {
	bell atomic.Uint32 // 1 when it was rung for
	list []sys.Futex
}

func newWaitv(room int) *waitv { return &waitv{list: make([]sys.Futex, 0, room+1)} }

func (s *waitv) sleep(arms []*arm, limit time.Duration) error {
	s.list = append(s.list[:0], sys.NewFutex(bellWord(&s.bell), 0, true))
	for _, a := range arms {
		s.list = append(s.list, sys.NewFutex(a.word.addr, a.old, false))
	}
	i, err := sys.FutexWaitv(s.list, limit)
	s.bell.Store(0)
	switch err {
	case nil:
		if i > 0 {
			arms[i-1].woken = true
		}
		return nil
	case unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		return nil
	default:
		return gone(err)
	}
}

func (s *waitv) ring() {
	if s.bell.Swap(1) == 0 {
		sys.FutexWakePrivate(bellWord(&s.bell), 1)
	}
}

func (s *waitv) room() int { return cap(s.list) - 1 }
