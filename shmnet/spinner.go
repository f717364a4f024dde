package shmnet

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// spinner looks at a word that the other process is about to change, for as long as that
// has been paying off. One goroutine uses it at a time.
type spinner struct {
	doubts  int // 0 to patience
	skipped int
	unkind  int  // so many spins don't yield
	penalty int  // what unkind was last
	alone   bool // GOMAXPROCS was 1 when spinning failed last

	shared  int           // so many yields in a row let another thread run for a moment
	moved   time.Duration // when this end last moved to another processor
	moveGap time.Duration // how long it stays there at least
}

const (
	// longestSpin is about what parking and being woken costs. Ten times as much after large
	// messages has made those slower.
	longestSpin = 25 * time.Microsecond

	// A spin that fails counts as two that pay off, since it takes as much longer. With as
	// many doubts as patience, after four that failed in a row, spinning is tried only every
	// retryEvery times, for as long as ever: a shorter spin might miss, every time, an
	// answer that comes from a process that has to be woken itself.
	doubt      = 2
	patience   = 4 * doubt
	retryEvery = 16

	// firstLooks is how often to look before anything else is done, some 0.5 µs: the clock
	// takes about as long as a cache line needs from one processor to another, and so does
	// a pause. Afterwards there is a pause after each look: what takes longer is work, and
	// the two may share a processor's core.
	firstLooks = 512
	// looksPerClock is how many looks there are to one at the clock afterwards.
	looksPerClock = 8
	// beforeYield is how long to spin on before letting others have the processor: the
	// system likes to put a thread that is woken on the processor of the one that wakes it,
	// where it would wait for this spin to end.
	beforeYield = 500 * time.Nanosecond
	// longestYield is how long a yield takes if the processor is wanted by others than the
	// one that is waited for. Then the next spins don't yield, the more of them the more
	// often it happens: Linux sets a thread back for each yield, for milliseconds then.
	longestYield   = 100 * time.Microsecond
	longestPenalty = 4096

	// sharedYield is how long a yield takes at least if another thread runs meanwhile.
	sharedYield = time.Microsecond
	// manyShared is after how many of these yields a thread moves.
	manyShared      = 16
	shortestMoveGap = time.Millisecond
	longestMoveGap  = time.Second
)

// until reports whether *p has changed from old within the time that spinning is worth
// now.
func (s *spinner) until(p *uint64, old uint64) bool {
	if !s.pays() {
		return false
	}
	if !s.yieldsFirst() {
		for range firstLooks {
			if atomic.LoadUint64(p) != old {
				s.succeed()
				return true
			}
		}
	}
	return s.goOn(p, old)
}

// pays reports whether to spin.
func (s *spinner) pays() bool {
	if s.doubts < patience {
		return true
	}
	s.skipped++
	return s.skipped%retryEvery == 0
}

// yieldsFirst reports whether the other process waits for this processor, as far as is
// known.
func (s *spinner) yieldsFirst() bool { return s.alone || s.shared > 0 }

// goOn is the rest of until.
func (s *spinner) goOn(p *uint64, old uint64) bool {
	now := sys.Clock()
	most := now + longestSpin
	kind := now + beforeYield
	if s.unkind > 0 {
		s.unkind--
		kind = most
	}
	for yielded := false; now < most; now = sys.Clock() {
		if s.yieldsFirst() || now >= kind {
			if !s.yield(now) {
				break
			}
			yielded = true
		}
		for range looksPerClock {
			if atomic.LoadUint64(p) != old {
				s.succeed()
				if yielded {
					s.penalty /= 2
				}
				return true
			}
			pause()
		}
	}
	s.fail()
	return false
}

// yield lets others have the processor, and reports whether it was given back soon.
func (s *spinner) yield(now time.Duration) bool {
	if s.alone {
		runtime.Gosched() // otherwise this only wakes another thread to look for work
	}
	sys.Yield()
	took := sys.Clock() - now
	if took < longestYield {
		s.noteSharing(now, took)
		return true
	}
	s.penalty = min(max(2*s.penalty, 16), longestPenalty)
	s.unkind, s.shared = s.penalty, 0
	return false
}

// noteSharing counts yields that let another thread run for a moment, as one of the other
// process that takes turns with this one. While others are idle the system takes 10 to
// 100 ms to part them, since it moves no thread that ran just now. So this one moves.
func (s *spinner) noteSharing(now, took time.Duration) {
	if took < sharedYield {
		s.shared = 0
		return
	}
	s.shared++
	if s.alone || s.shared < manyShared || now < s.moved+s.moveGap {
		return
	}
	if now < s.moved+8*s.moveGap { // it was of no use
		s.moveGap = min(2*s.moveGap, longestMoveGap)
	} else {
		s.moveGap = shortestMoveGap
	}
	s.shared, s.moved = 0, now
	sys.MoveAway()
}

// succeed notes that spinning has paid off.
func (s *spinner) succeed() { s.doubts = max(s.doubts-1, 0) }

// fail notes that spinning was of no use.
func (s *spinner) fail() {
	s.doubts = min(s.doubts+doubt, patience)
	s.lookAround()
}

// lookAround notes whether this process has but one processor: the other one may have the
// same.
func (s *spinner) lookAround() { s.alone = runtime.GOMAXPROCS(0) == 1 }
