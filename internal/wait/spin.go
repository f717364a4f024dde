package wait

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

const (
	// maxSpin is about what parking and being woken costs.
	maxSpin = 25 * time.Microsecond
	// firstPause is how long a spinning waiter leaves the cache line alone at
	// first. Each pause is a quarter longer than the one before, up to
	// longestPause times the first. The process that makes the change needs the
	// line too: if a lock's owner has to fetch it back at every turn, it takes ten
	// times as long. But a waiter that tries too rarely lets the owner take the
	// lock again in between.
	//
	// Two processes that contend for a lock get the more done the longer the first
	// pause is (a tenth more with 200 ns than with 25), and two that strictly
	// alternate the less (a fifth). Pauses of a constant length halve the throughput
	// of the former, and pauses that double that of the latter.
	firstPause   = 160 * time.Nanosecond
	longestPause = 8

	fullCredit = 8
	// retryEvery is every how many waits spinning that didn't pay is tried again.
	retryEvery = 16
)

// spin remembers whether spinning has been paying off at a word. Its counts are
// hints, so that updates may get lost.
type spin struct {
	credit  atomic.Int32 // 0 to fullCredit
	skipped atomic.Int32
}

func (s *spin) init() { s.credit.Store(fullCredit / 2) }

// budget is how long to spin; 0 is not at all.
func (s *spin) budget() time.Duration {
	if runtime.GOMAXPROCS(0) == 1 {
		return 0 // the change may need this processor
	}
	credit := s.credit.Load()
	if credit == 0 {
		if s.skipped.Add(1)%retryEvery != 0 {
			return 0
		}
		credit = fullCredit / 4
	}
	return maxSpin * time.Duration(credit) / fullCredit
}

func (s *spin) paid() { s.credit.Store(min(s.credit.Load()+2, fullCredit)) }

func (s *spin) failed() { s.credit.Store(max(s.credit.Load()-1, 0)) }

// glance tries, and while no other waiter of this process has queued at the word it
// goes on trying for as long as that has been paying off.
func (w *Word) glance(c condition) (done bool, err error) {
	if _, done, err = w.try(c, Glance); done || err != nil {
		return done, err
	}
	if w.queued.Load() > 0 {
		return false, nil
	}
	budget := w.spin.budget()
	if budget == 0 {
		return false, nil
	}
	first := pauses()
	for n, end := first, sys.Clock()+budget; sys.Clock() < end; n = min(n+n/4+1, longestPause*first) {
		pause(n)
		if _, done, err = w.try(c, Glance); done || err != nil {
			w.spin.paid()
			return done, err
		}
	}
	w.spin.failed()
	return false, nil
}

// pauses is how many PAUSE instructions take firstPause. How long one takes differs
// tenfold between processors. The shortest of a few measurements counts, since a
// thread can be interrupted.
var pauses = sync.OnceValue(func() uint32 {
	const n = 100
	shortest := time.Hour
	for range 8 {
		start := sys.Clock()
		pause(n)
		shortest = min(shortest, sys.Clock()-start)
	}
	return uint32(max(1, min(n, firstPause*n/max(shortest, 1))))
})
