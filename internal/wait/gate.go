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
//	bit  0      somebody may be parked
//	bits 1..31  how often that was answered, modulo 2^31
//
// A fresh one is 0. One bit that is up in vain, because a parked process was
// killed, costs the next waker one system call, which takes it down.
const (
	parked = 1
	answer = 2
)

// All makes [Gate.Wake] and [Word.Wake] wake everybody.
const All = math.MaxInt32

// Gate is where goroutines of many processes wait for a change of shared memory.
// All methods may be called concurrently.
type Gate struct{ w Word }

// NewGate makes a Gate of a word in shared memory, which must be aligned and
// stay mapped until Close has returned. name must be the same in every process
// that shares the word, and is used on Windows only; see [Name].
func NewGate(addr *uint32, name Name) *Gate {
	g := &Gate{}
	g.w.init(addr, name)
	return g
}

// Wait returns nil as soon as try has reported success. It returns
// [context.Cause] within 10 ms of ctx being done, [os.ErrClosed] after Close, or
// the error of try. It always tries at least once, and a waiter who was woken
// tries before he minds ctx or Close, so that with an error no wake-up is lost.
//
// try runs on the caller's goroutine, looks at shared memory by atomic loads
// and takes what it finds. With check it looks also after what nobody is woken
// for; that happens before the first sleep, and then as the package's overview says.
func (g *Gate) Wait(ctx context.Context, try func(check bool) (done bool, err error)) error {
	return g.w.Wait(ctx, func(phase Phase) (uint32, bool, error) {
		if phase == Glance {
			done, err := try(false)
			return 0, done, err
		}
		// Announced before the look, and what is slept on was read with the
		// announcement: see Wake.
		old := atomic.OrUint32(g.w.addr, parked) | parked
		killpoint.Here("gate announced")
		done, err := try(phase == Check)
		return old, done, err
	})
}

// Wake wakes up to n waiters, at least; waiters look for themselves, so that too
// many do no harm. Call it after the change, which must have been made by an
// operation of sync/atomic. While nobody is parked it is one load.
//
// Nobody sleeps through the change, because sync/atomic is sequentially
// consistent:
//
//	waker:  change; load gate           waiter: or gate, parked; look; sleep while gate is unmoved
//
// If the load finds the bit down, it came before the waiter's "or", so the look
// comes after the change and sees it. (With a plain store for the change the
// load could overtake it in the store buffer, and both would miss each other.)
// If the load finds the bit up, the answer counter is moved on before anybody is
// woken: a waiter that looked before the change then finds the gate moved when
// it tries to sleep, or sleeps already and is woken.
//
// When fewer than n were asleep, the bit is taken down. Who has announced
// himself by it and is asleep by now is woken; who is not yet asleep finds the
// gate moved. It must be moved on before everybody is woken, for the same reason
// as above. The counter comes round after 2^31 answers; a waiter would have to
// be stopped for exactly so many between its look and its sleep, and then looks
// again after 100 ms.
func (g *Gate) Wake(n int) {
	if atomic.LoadUint32(g.w.addr)&parked == 0 {
		return
	}
	if n < All && !wakesAll {
		word := atomic.AddUint32(g.w.addr, answer)
		if word&parked == 0 {
			return // taken down by somebody who is waking all, after our change
		}
		killpoint.Here("gate moved")
		if g.w.Wake(n) >= n || !atomic.CompareAndSwapUint32(g.w.addr, word, (word+answer)&^parked) {
			return
		}
		g.w.Wake(All)
		return
	}
	for {
		word := atomic.LoadUint32(g.w.addr)
		if word&parked == 0 {
			return
		}
		if atomic.CompareAndSwapUint32(g.w.addr, word, (word+answer)&^parked) {
			g.w.Wake(All)
			return
		}
	}
}

// WatchFile is [Word.WatchFile].
func (g *Gate) WatchFile(f *os.File) { g.w.WatchFile(f) }

// CountIn counts those who wait, as [Word.CountIn] does.
func (g *Gate) CountIn(waiters *atomic.Uint32) { g.w.CountIn(waiters) }

// Close ends the waiters of this process, as [Word.Close] does.
func (g *Gate) Close() { g.w.Close() }
