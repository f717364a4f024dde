package wait

import (
	"runtime/debug"
	"slices"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// maxSharedThreads bounds the threads that this package needs, however many
// waiters there are. One more sharedThread polls.
const maxSharedThreads = 12

// sharedThread parks on one thread for many waiters. Its goroutine runs while
// there are any.
type sharedThread struct {
	parker   parker
	capacity int
	start    func()
	parked   []*waitEntry // what parker parks on

	// Under threadPool.mu.
	entries []*waitEntry
	running bool
}

// parkShared gives the entry to a shared thread. That returns it when its word may
// have changed, when its time is up, and when it is cancelled.
func parkShared(e *waitEntry) (*sharedThread, error) {
	pool := &threadPool
	pool.mu.Lock()
	defer pool.mu.Unlock()
	i := slices.IndexFunc(pool.shared, func(s *sharedThread) bool { return len(s.entries) < s.capacity })
	if i < 0 {
		var p parker = newPollParker()
		if len(pool.shared) < maxSharedThreads {
			var err error
			if p, err = newSharedParker(); err != nil {
				return nil, err
			}
		}
		s := &sharedThread{parker: p, capacity: p.capacity()}
		s.start = s.run // made once, since making it allocates
		i = len(pool.shared)
		pool.shared = append(pool.shared, s)
	}
	s := pool.shared[i]
	s.entries = append(s.entries, e)
	if s.running {
		s.parker.unpark()
	} else {
		s.running = true
		go s.start()
	}
	return s, nil
}

// cancel makes the shared thread return the entry soon, if it still has it.
func (s *sharedThread) cancel(e *waitEntry) {
	pool := &threadPool
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if slices.Contains(s.entries, e) {
		e.cancelled = true
		s.parker.unpark()
	}
}

func (s *sharedThread) run() {
	debug.SetPanicOnFault(true) // for waitEntry.changed
	for s.copyEntries() {
		first := s.parked[0].until
		for _, e := range s.parked {
			first = min(first, e.until)
		}
		err := s.parker.park(s.parked, max(0, first-sys.Clock()))
		if err != nil {
			// One entry is at fault: its memory has gone, for example. Its waiter
			// finds out when it tries.
			time.Sleep(time.Millisecond)
		}
		s.returnEntries(sys.Clock(), err != nil)
	}
}

// copyEntries reports false if there are no entries, and the goroutine has to end.
func (s *sharedThread) copyEntries() bool {
	pool := &threadPool
	pool.mu.Lock()
	defer pool.mu.Unlock()
	s.parked = append(s.parked[:0], s.entries...)
	s.running = len(s.entries) > 0
	return s.running
}

// returnEntries returns every entry on which a wake-up may have been spent, that
// is cancelled, or whose time is up.
func (s *sharedThread) returnEntries(now time.Duration, all bool) {
	pool := &threadPool
	pool.mu.Lock()
	defer pool.mu.Unlock()
	s.entries = slices.DeleteFunc(s.entries, func(e *waitEntry) bool {
		// The system names only one of several entries that were woken. The words
		// of the others have changed; where one has changed back, there is nothing
		// to find.
		e.woken = e.woken || e.changed()
		if !e.woken && !e.cancelled && !all && now < e.until {
			return false
		}
		e.cancelled = false
		e.returned <- struct{}{}
		return true
	})
}
