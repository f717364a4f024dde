package ring

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// waiter is where one goroutine at a time waits: a sender for room, or a receiver for a
// record. It is made once for both to allocate nothing.
type waiter struct {
	c    *core
	gate *wait.Gate
	// look looks for what is waited for, and with check also for what no wake-up announces.
	look func(check bool) (bool, error)
	// word returns the word that changes when it comes, for those that spin.
	word func() *uint64

	// Of the wait in progress.
	ctx       context.Context
	claim     *robust.Claim
	announced bool
	checking  bool

	try  func(check bool) (bool, error) // tryOnce
	take func() (bool, error)           // look of a claim
	use  func() error                   // waitAtGate

	credit  int // 0 to fullCredit: has spinning been paying off?
	skipped int
	alone   bool // this process has one processor, and perhaps the other process the same one
}

const (
	// maxSpin is about what parking and being woken costs.
	maxSpin = 50 * time.Microsecond
	// longestSpin bounds spinning where messages are large: see spinFor.
	longestSpin = time.Millisecond

	betweenYields = 4 * time.Microsecond // of a waiter that spins

	fullCredit = 8
	retryEvery = 16   // every how many waits spinning that didn't pay is tried again
	looksTimed = 64   // looks between two looks at the clock
	firstLooks = 1024 // that Receive makes before it looks at the clock, some 2 µs
)

func (w *waiter) init(c *core, gate *wait.Gate, look func(check bool) (bool, error), word func() *uint64) {
	w.c, w.gate, w.look, w.word, w.credit = c, gate, look, word, fullCredit/2
	w.try, w.use = w.tryOnce, w.waitAtGate
	w.take = func() (bool, error) { return w.look(w.checking) }
	w.alone = runtime.GOMAXPROCS(0) == 1
}

// wait waits until look reports true.
func (w *waiter) wait(ctx context.Context, claim *robust.Claim) error {
	w.ctx, w.claim, w.announced = ctx, claim, false
	defer func() { w.ctx, w.claim = nil, nil }()
	if w.c.o.Direct {
		return w.use()
	}
	return w.c.o.Use(w.use)
}

// waitAtGate waits at the gate, which Close of the object ends.
func (w *waiter) waitAtGate() error { return w.gate.Wait(w.ctx, w.try) }

// tryOnce is the gate's attempt. The first one with check comes after the waiter has
// announced itself; from then on it has fences performed before it looks, as fence.go says.
func (w *waiter) tryOnce(check bool) (bool, error) {
	if check {
		w.announced = true
		if err := robust.CheckRemoved(w.c.o.File()); err != nil {
			if ok, _ := w.takeIt(check); ok { // what was sent before is there still
				return true, nil
			}
			return false, err
		}
	}
	if w.announced && barrier.InAll() != nil {
		atomic.StoreUint32(&w.c.h.strict, 1)
	}
	return w.takeIt(check)
}

func (w *waiter) takeIt(check bool) (bool, error) {
	if w.claim == nil {
		return w.look(check)
	}
	w.checking = check
	return w.claim.Take(w.take)
}

// spinFor returns how long to spin for a message, or for its room, if messages have so many
// bytes: maxSpin more than the other process may take to read one and to write one, at
// 2.5 GB/s. If the two parked while each works, each message would cost what parking does.
func spinFor(size int) time.Duration {
	const kibi = 400 * time.Nanosecond
	return min(maxSpin+time.Duration(size>>10)*kibi, longestSpin)
}

// pays reports whether to spin before parking.
func (w *waiter) pays() bool {
	if w.credit == 0 {
		w.skipped++
		return w.skipped%retryEvery == 0
	}
	return true
}

// looks is how often Receive looks before it does anything else.
func (w *waiter) looks() int {
	if w.alone || w.credit == 0 {
		return 0
	}
	return firstLooks
}

// spinThenPark waits: it spins for a time while that has been paying off, and then waits at
// the gate. It spins by reading the word and nothing else, and makes no pauses: the processor
// that writes the word has to fetch its cache line once, however often this one has looked at
// it.
func (w *waiter) spinThenPark(ctx context.Context, most time.Duration) error {
	start := sys.Clock()
	for spins := w.pays(); spins && sys.Clock()-start < most; {
		p := w.word()
		old := word(atomic.LoadUint64(p)) // before the look, which may find what comes now
		if ok, err := w.look(false); ok || err != nil {
			w.credit = min(w.credit+2, fullCredit)
			return err
		}
		spins = w.spin(p, old, start+most)
	}
	err := w.wait(ctx, nil)
	// A wait that has ended so early might have ended while spinning, if the other process
	// had not been parked in turn: it counts as one where spinning paid off. Otherwise two
	// processes that answer each other would go on parking once they have begun to.
	if sys.Clock()-start < 2*most {
		w.credit = min(w.credit+2, fullCredit)
	} else {
		w.credit = max(w.credit-1, 0)
		w.alone = runtime.GOMAXPROCS(0) == 1
	}
	return err
}

// spin looks at a word until it is no longer old, or the time has come. In between it
// yields: if the other process waits for this processor, it is of no use to look on.
func (w *waiter) spin(p *uint64, old word, end time.Duration) bool {
	for next := sys.Clock(); ; {
		if !w.alone {
			next += betweenYields
		}
		for {
			for range looksTimed {
				if word(atomic.LoadUint64(p)) != old {
					return true
				}
			}
			if sys.Clock() >= next {
				break
			}
		}
		if next = sys.Clock(); next >= end {
			return false
		}
		yield()
	}
}
