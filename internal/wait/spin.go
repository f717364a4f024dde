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
	// A spinning waiter leaves the cache line alone for a while before it looks again.
	// Each pause is a quarter longer than the one before, up to longestPause. The
	// process that makes the change needs the line too: if a lock's owner has to fetch
	// it back at every turn, it takes ten times as long. But a waiter that tries too
	// rarely lets the owner take the lock again in between. Pauses of a constant length
	// halve the throughput of two processes that contend for a lock, and pauses that
	// double that of two that strictly alternate.
	longestPause = 1600 * time.Nanosecond
	// firstWordPause is for words that are changed for the waiter, such as a semaphore
	// between two processes that take turns: with 160 ns they get a third less done.
	firstWordPause = 25 * time.Nanosecond
	// firstGatePause is for locks, whose owner may want them again. Two processes that
	// contend get the more done the longer it is (a fifth less with 25 ns), two that
	// strictly alternate the less (a fifth less with 100 ns).
	firstGatePause = 72 * time.Nanosecond

	fullCredit = 8
	// retryEvery is every how many waits spinning that didn't pay is tried again.
	retryEvery = 16
)

// spin remembers whether spinning has been paying off at a word. Its counts are
// hints, so that updates may get lost.
type spin struct {
	first   time.Duration // the first pause
	credit  atomic.Int32  // 0 to fullCredit
	skipped atomic.Int32
}

func (s *spin) init(first time.Duration) {
	s.first = first
	s.credit.Store(fullCredit / 2)
}

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
	n, most := pausesIn(w.spin.first), pausesIn(longestPause)
	for end := sys.Clock() + budget; sys.Clock() < end; n = min(n+n/4+1, most) {
		pause(n)
		if _, done, err = w.try(c, Glance); done || err != nil {
			w.spin.paid()
			return done, err
		}
	}
	w.spin.failed()
	return false, nil
}

// pausesIn returns how many PAUSE instructions take so long.
func pausesIn(d time.Duration) uint32 {
	return uint32(max(1, d*pausesMeasured/hundredPauses()))
}

const pausesMeasured = 100

// hundredPauses is how long that many PAUSE instructions take, which differs tenfold
// between processors. The shortest of a few measurements counts, since a thread can be
// interrupted.
var hundredPauses = sync.OnceValue(func() time.Duration {
	shortest := time.Hour
	for range 8 {
		start := sys.Clock()
		pause(pausesMeasured)
		shortest = min(shortest, sys.Clock()-start)
	}
	return max(1, shortest)
})
