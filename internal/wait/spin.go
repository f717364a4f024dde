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
	// betweenLooks is how long a spinner leaves the cache line alone at first. It
	// does so a quarter longer each time, and slowest times as long at last.
	// Whoever it waits for needs the line too: a lock's owner who has to fetch it
	// back at every turn takes ten times as long. But who looks too rarely lets
	// the owner come back for nothing. (Looks at a steady pace halve what two
	// processes get through that contend for a lock; a pace that doubles halves
	// it where they take turns strictly.)
	betweenLooks = 25 * time.Nanosecond
	slowest      = 64

	fullCredit = 8
	// retry is every how many waits spinning that didn't pay is tried again.
	retry = 16
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
		return 0 // whoever is waited for may need this processor
	}
	credit := s.credit.Load()
	if credit == 0 {
		if s.skipped.Add(1)%retry != 0 {
			return 0
		}
		credit = fullCredit / 4
	}
	return maxSpin * time.Duration(credit) / fullCredit
}

func (s *spin) paid() { s.credit.Store(min(s.credit.Load()+2, fullCredit)) }

func (s *spin) failed() { s.credit.Store(max(s.credit.Load()-1, 0)) }

// glance looks, and while nobody else of this process is parked at the word goes
// on looking for as long as that has been paying off.
func (w *Word) glance(look func(Phase) (uint32, bool, error)) (done bool, err error) {
	if _, done, err = look(Glance); done || err != nil {
		return done, err
	}
	if w.parked.Load() > 0 {
		return false, nil
	}
	budget := w.spin.budget()
	if budget == 0 {
		return false, nil
	}
	first := pauses()
	for n, end := first, sys.Clock()+budget; sys.Clock() < end; n = min(n+n/4+1, slowest*first) {
		pause(n)
		if _, done, err = look(Glance); done || err != nil {
			w.spin.paid()
			return done, err
		}
	}
	w.spin.failed()
	return false, nil
}

// pauses is how many times to pause between two looks. How long a PAUSE takes
// differs tenfold between processors. The shortest of a few measurements counts,
// since a thread can be interrupted.
var pauses = sync.OnceValue(func() uint32 {
	const n = 100
	shortest := time.Hour
	for range 8 {
		start := sys.Clock()
		pause(n)
		shortest = min(shortest, sys.Clock()-start)
	}
	return uint32(max(1, min(n, betweenLooks*n/max(shortest, 1))))
})
