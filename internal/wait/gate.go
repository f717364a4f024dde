package wait

import (
	"context"
	"math"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// The word of a Gate:
//
//	bit  0      waiters may be parked
//	bits 1..31  count of wake-ups, modulo 2^31
//
// A fresh word is 0. If a parked process is killed, bit 0 stays set without a
// waiter; that costs the next wake-up one system call, which clears it.
const (
	parkedBit = 1
	oneWakeup = 2
)

// All makes [Gate.Wake] and [Word.Wake] wake all waiters.
const All = math.MaxInt32

// Gate is where goroutines of many processes wait for a change of shared memory.
// All methods may be called concurrently.
type Gate struct{ w Word }

// NewGate makes a Gate of a word in shared memory. name is used on Windows only;
// see [Name].
//
// Preconditions:
//   - addr is aligned, and stays mapped until Close has returned;
//   - name is the same in every process that shares the word.
func NewGate(addr *uint32, name Name) *Gate {
	g := &Gate{}
	g.w.init(addr, name, firstGatePause)
	return g
}

// Wait returns nil as soon as try has reported success. It returns
// [context.Cause] within 10 ms of ctx being done, [os.ErrClosed] after Close, or
// the error of try. It always tries at least once, and a waiter that was woken
// tries before it looks at ctx or Close, so that no wake-up is lost with an error.
//
// try runs on the caller's goroutine. It reads shared memory by atomic loads, and
// takes what it finds. With check it checks also what no wake-up announces; that
// happens before the waiter parks for the first time, and then as the package's
// overview says.
func (g *Gate) Wait(ctx context.Context, try func(check bool) (done bool, err error)) error {
	return g.w.wait(ctx, condition{gate: try})
}

// Wake wakes n waiters if there are as many, and may wake more: waiters try for
// themselves, so that too many do no harm. Call it after the change, which must
// have been made by an operation of sync/atomic. While no waiter is parked it is
// one load.
//
// No waiter sleeps through the change, because sync/atomic is sequentially
// consistent:
//
//	waker:  change; load gate       waiter: or gate, parkedBit; try; park while gate is unchanged
//
// If the load finds the bit clear, it came before the waiter's "or", so the attempt
// comes after the change and sees it. (With a plain store for the change the load
// could overtake it in the store buffer, and both would miss each other.) If the
// load finds the bit set, the count is raised before a waiter is woken: a waiter
// that tried before the change then finds the gate changed when it parks, or is
// parked already and is woken.
//
// When fewer than n were parked, the bit is cleared. A waiter that has set it and
// is parked by now is woken; one that is not parked yet finds the gate changed. The
// gate must be changed before all are woken, for the same reason as above. The
// count wraps after 2^31 wake-ups; a waiter would have to be stopped for exactly so
// many between its attempt and parking, and then tries again after 100 ms.
func (g *Gate) Wake(n int) {
	if atomic.LoadUint32(g.w.addr)&parkedBit == 0 {
		return
	}
	if n < All && !wakesAll {
		word := atomic.AddUint32(g.w.addr, oneWakeup)
		if word&parkedBit == 0 {
			return // cleared by a process that wakes all, after our change
		}
		killpoint.Here("gate moved")
		if g.w.Wake(n) >= n || !atomic.CompareAndSwapUint32(g.w.addr, word, (word+oneWakeup)&^parkedBit) {
			return
		}
		g.w.Wake(All)
		return
	}
	for {
		word := atomic.LoadUint32(g.w.addr)
		if word&parkedBit == 0 {
			return
		}
		if atomic.CompareAndSwapUint32(g.w.addr, word, (word+oneWakeup)&^parkedBit) {
			g.w.Wake(All)
			return
		}
	}
}

// MayPark reports whether waiters may be parked at a Gate whose word has this value.
func MayPark(word uint32) bool { return word&parkedBit != 0 }

// WatchFile is [Word.WatchFile].
func (g *Gate) WatchFile(f *os.File) { g.w.WatchFile(f) }

// CountIn is [Word.CountIn].
func (g *Gate) CountIn(waiters *atomic.Uint32) { g.w.CountIn(waiters) }

// Close ends the waiters of this process, as [Word.Close] does.
func (g *Gate) Close() { g.w.Close() }
