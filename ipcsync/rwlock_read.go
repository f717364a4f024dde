package ipcsync

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// RLock takes the lock for reading.
func (l *rwLock) RLock(ctx context.Context, c *robust.Claim) (Held, error) {
	if l.Direct && c == nil {
		if recovered, ok, _ := l.enter(false); ok {
			return l.readDirectly(recovered)
		}
	}
	var recovered uint64
	err := l.Use(func() (err error) { // Close waits for what it passes on
		recovered, err = l.awaitReading(ctx, c)
		if err == nil && l.Closed() {
			l.releaseRead()
			err = os.ErrClosed
		}
		return err
	})
	if err != nil {
		return Held{}, l.Fail(breezeway.OpRLock, err)
	}
	return l.reading(recovered), nil
}

// awaitReading waits until there is no writer, and counts a reader. If it fails it
// ends the readers' turn, which may have been this one's.
func (l *rwLock) awaitReading(ctx context.Context, c *robust.Claim) (recovered uint64, err error) {
	err = l.Wait(ctx, l.mayRead, c, func(check bool) (ok bool, err error) {
		recovered, ok, err = l.enter(check)
		switch turn := l.head.turn.Load(); {
		case ok && turn == turnWanted:
			l.head.turn.CompareAndSwap(turnWanted, turnOpen)
		case !ok && err == nil && turn == turnOpen:
			l.head.turn.CompareAndSwap(turnOpen, turnWanted)
		}
		return ok, err
	})
	if err != nil {
		// Other readers that wait want it again when they try again.
		if l.head.turn.Swap(turnOpen) == turnReaders {
			l.mayWrite.Wake(1)
		}
	}
	return recovered, err
}

// enter counts a reader, unless there is a writer, and returns the word's bit
// Recovered. With check it asks the kernel whether the writer lives.
func (l *rwLock) enter(check bool) (recovered uint64, ok bool, err error) {
	if free, err := l.isReadable(check); err != nil || !free {
		return 0, false, err
	}
	state := &l.Me.Entry.State
	for {
		s := state.Load()
		if liveness.Generation(s) != l.generation {
			return 0, false, errOverwritten
		}
		if state.CompareAndSwap(s, s+1) {
			break
		}
	}
	killpoint.Here("rwmutex reader counted")
	w := l.head.word.Load()
	if w&(robust.HolderBits|robust.Removed) == 0 {
		return w & robust.Recovered, true, nil
	}
	l.leave() // a writer was faster, or Remove
	if w&robust.Removed != 0 {
		err = robust.ErrRemoved
	}
	return 0, false, err
}

// isReadable reports whether there is no writer. It takes the word away from a dead
// writer.
func (l *rwLock) isReadable(check bool) (bool, error) {
	for {
		w := l.head.word.Load()
		if w&robust.Removed != 0 {
			return false, robust.ErrRemoved
		}
		h := liveness.Holder(w & robust.HolderBits)
		if h == liveness.None {
			return true, nil
		}
		if dead, err := l.owner.IsDead(h, check); err != nil || !dead {
			return false, err
		}
		if l.owner.Bury(w) {
			if w&robust.Pending == 0 {
				l.buriedWriter()
			}
			l.wakeAll(1)
		}
	}
}

// leave takes a reader off the count.
func (l *rwLock) leave() {
	state := &l.Me.Entry.State
	for {
		s := state.Load()
		if liveness.Generation(s) != l.generation || s&countBits == 0 {
			return // late, after Close
		}
		if state.CompareAndSwap(s, s-1) {
			break
		}
	}
	killpoint.Here("rwmutex reader uncounted")
	l.drained.Wake(1)
}

// readDirectly returns the Held of a reader that has counted itself without protection,
// perhaps in the zeros that Close left.
func (l *rwLock) readDirectly(recovered uint64) (Held, error) {
	if l.Closed() {
		l.leave()
		return Held{}, l.Fail(breezeway.OpRLock, os.ErrClosed)
	}
	return l.reading(recovered), nil
}

func (l *rwLock) reading(recovered uint64) Held {
	l.Acquired()
	return Held{(*readLock)(l), l.tickets.take() | recovered}
}

// TryRLock takes the lock for reading, and doesn't wait.
func (l *rwLock) TryRLock() (h Held, ok bool, err error) {
	var recovered uint64
	err = l.Use(func() error {
		recovered, ok, err = l.enter(true)
		return err
	})
	if err == nil && ok {
		h = l.reading(recovered)
	}
	return l.tried(breezeway.OpRLock, h, ok, err)
}

// readLock is an rwLock as readers hold it.
type readLock rwLock

// Unlock gives up what a reader held.
func (r *readLock) Unlock(ticket uint64) error {
	l := (*rwLock)(r)
	l.Released()
	if !l.tickets.give(ticket &^ robust.Recovered) {
		return l.given(breezeway.OpUnlock, false, nil)
	}
	if l.Direct {
		l.releaseRead()
		return l.given(breezeway.OpUnlock, true, l.toldOnUnlock())
	}
	err := l.Use(func() error {
		l.releaseRead()
		return l.toldOnUnlock()
	})
	return l.given(breezeway.OpUnlock, true, err)
}

func (l *rwLock) releaseRead() {
	l.leave()
	l.endTurn()
}

// endTurn ends the readers' turn, after a reader has had the lock.
func (l *rwLock) endTurn() {
	if l.head.turn.Load() == turnReaders && l.head.turn.CompareAndSwap(turnReaders, turnOpen) {
		l.mayWrite.Wake(1)
	}
}

var errReaderMarks = fmt.Errorf("it is held to read, and only a writer can repair what it protects: unlock it, Lock it, repair and mark it (%w)", os.ErrInvalid)

// MarkConsistent fails.
func (r *readLock) MarkConsistent(uint64) error {
	return (*rwLock)(r).Fail(breezeway.OpMarkConsistent, errReaderMarks)
}

// tickets numbers the read locks that a process has, so that none is given up twice:
// the shared memory only counts them.
type tickets struct {
	mu   sync.Mutex
	uses []uint32 // of each number; odd while it is in use
	free []uint32 // numbers
}

// take returns a ticket:
//
//	bits  0..31  a number
//	bit  32      0; robust.Recovered is added there
//	bits 33..63  how often the number was used, modulo 2^31
func (t *tickets) take() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.free) == 0 {
		t.free = append(t.free, uint32(len(t.uses)))
		t.uses = append(t.uses, 0)
	}
	last := len(t.free) - 1
	n := t.free[last]
	t.free = t.free[:last]
	t.uses[n]++
	return uint64(t.uses[n])<<33 | uint64(n)
}

// give takes a ticket back, or reports false if that was done before.
func (t *tickets) give(ticket uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := uint32(ticket)
	if t.uses[n]%2 == 0 || uint64(t.uses[n])<<33 != ticket&^(1<<33-1) {
		return false
	}
	t.uses[n]++
	t.free = append(t.free, n)
	return true
}
