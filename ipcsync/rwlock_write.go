package ipcsync

import (
	"context"
	"log/slog"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Lock takes the lock for writing.
func (l *rwLock) Lock(ctx context.Context, c *robust.Claim) (Held, error) {
	if l.Direct && c == nil && l.head.turn.Load() != turnReaders {
		if ticket, ok := l.owner.TakeFree(robust.Pending); ok {
			if settled, ok, _ := l.settle(ticket, false); ok {
				return l.lockedDirectly(settled)
			}
			return l.lockSlowly(ctx, nil, ticket)
		}
	}
	return l.lockSlowly(ctx, c, 0)
}

// lockSlowly waits for the word, unless the ticket says that this process has it, and
// then for the readers to leave. Close waits until what it took is given back.
func (l *rwLock) lockSlowly(ctx context.Context, c *robust.Claim, ticket uint64) (Held, error) {
	refused := true
	err := l.Use(func() (err error) {
		refused = false
		if ticket == 0 {
			ticket, err = l.awaitWord(ctx)
			if err != nil && c == nil && ctx.Err() != nil {
				ticket, err = l.takeLeft(err)
			}
			if err != nil {
				return err
			}
		}
		if ticket, err = l.drain(ctx, c, ticket); err == nil && l.Closed() {
			err = os.ErrClosed
		}
		if err != nil {
			l.giveWord(ticket)
		}
		return err
	})
	if refused && ticket != 0 {
		l.Touch(func() { l.giveWord(ticket) }) // as lockedDirectly
	}
	if err != nil {
		return Held{}, l.Fail(breezeway.OpLock, err)
	}
	return l.locked(ticket), nil
}

// awaitWord waits for the word, and takes it, pending. It needs no claim, which is
// asked last, by drain: until the readers have left, another wait may succeed.
func (l *rwLock) awaitWord(ctx context.Context) (ticket uint64, err error) {
	checks := 0
	err = l.Wait(ctx, l.mayWrite, nil, func(check bool) (ok bool, err error) {
		if check {
			checks++
		}
		if l.owner.WasRemoved() {
			return false, robust.ErrRemoved // in any turn
		}
		if l.head.turn.Load() == turnReaders && l.head.word.Load()&robust.HolderBits == 0 {
			if !check || checks == 1 { // the check before the first sleep
				return false, nil
			}
			l.head.turn.CompareAndSwap(turnReaders, turnOpen) // no reader came in time
		}
		ticket, ok, err = l.take(check)
		return ok, err
	})
	return ticket, err
}

// takeLeft takes the word that a writer leaves to readers, pending, unless one reads:
// those whose turn it is may have died, and a writer whose time is always short would
// never check. It returns err if it doesn't take the word.
//
// A wait of WaitAny doesn't call it: another of its waits may have succeeded, and
// WaitAny first tries, in any turn.
func (l *rwLock) takeLeft(err error) (uint64, error) {
	if l.head.turn.Load() != turnReaders {
		return 0, err
	}
	// Looked at first, as in TryLock.
	if drained, _ := l.isDrained(true); drained && l.head.turn.CompareAndSwap(turnReaders, turnOpen) {
		if ticket, ok, _ := l.take(true); ok {
			return ticket, nil
		}
	}
	return 0, err
}

// take takes the word, pending.
func (l *rwLock) take(check bool) (ticket uint64, ok bool, err error) {
	ticket, how, err := l.owner.Take(robust.Pending, check)
	if how == robust.Stolen {
		l.buriedWriter()
	}
	return ticket, how != robust.Busy, err
}

// buriedWriter counts and logs that a writer died.
func (l *rwLock) buriedWriter() {
	l.head.recoveries.Add(1)
	l.Log.Warn("the process that held the lock died", slog.String("kind", l.Kind), slog.String("name", l.Name))
}

// drain waits until the readers have left, and makes the pending writer the only
// holder. It returns the ticket that this process has then; with an error it is the
// pending writer's.
func (l *rwLock) drain(ctx context.Context, c *robust.Claim, ticket uint64) (uint64, error) {
	err := l.Wait(ctx, l.drained, c, func(check bool) (bool, error) {
		settled, ok, err := l.settle(ticket, check)
		if ok {
			ticket = settled
		}
		return ok, err
	})
	return ticket, err
}

// settle makes the pending writer the only holder, if no reader is left.
func (l *rwLock) settle(ticket uint64, check bool) (settled uint64, ok bool, err error) {
	drained, err := l.isDrained(check)
	if err == nil && drained {
		if settled, ok = l.owner.Settle(ticket); !ok {
			err = errOverwritten
		}
	}
	if l.owner.WasRemoved() { // perhaps before it was settled
		if ok {
			l.giveWord(settled)
		}
		return 0, false, robust.ErrRemoved
	}
	if err != nil || !ok {
		return 0, false, err
	}
	killpoint.Here("rwmutex drained")
	return settled, true, nil
}

// isDrained reports whether no reader is left. With check it takes readers that
// died off the count.
func (l *rwLock) isDrained(check bool) (bool, error) {
	entries := l.Slots.Entries()
	used := min(int(l.head.used.Load()), len(entries))
	for i := range entries[:used] {
		state := &entries[i].State
		s := state.Load()
		if s&countBits == 0 {
			continue
		}
		if !check {
			return false, nil
		}
		if alive, err := l.Slots.IsTaken(i); err != nil || alive {
			return false, err
		}
		if !state.CompareAndSwap(s, s&^countBits) {
			return false, nil // another process has it now, or was faster
		}
		killpoint.Here("rwmutex reader buried")
		l.buriedReader()
	}
	return true, nil
}

// lockedDirectly returns the Held of a writer that took the word without protection,
// perhaps in the zeros that Close left.
func (l *rwLock) lockedDirectly(ticket uint64) (Held, error) {
	if l.Closed() {
		l.giveWord(ticket)
		return Held{}, l.Fail(breezeway.OpLock, os.ErrClosed)
	}
	return l.locked(ticket), nil
}

func (l *rwLock) locked(ticket uint64) Held {
	l.Acquired()
	return Held{l, ticket}
}

// TryLock takes the lock for writing, and doesn't wait.
func (l *rwLock) TryLock() (h Held, ok bool, err error) {
	var settled uint64
	err = l.Use(func() error {
		// Looked at first, so as not to keep readers out for nothing.
		if drained, err := l.isDrained(true); err != nil || !drained {
			if l.owner.WasRemoved() {
				err = robust.ErrRemoved
			}
			return err
		}
		ticket, taken, err := l.take(true)
		if err != nil || !taken {
			return err
		}
		settled, ok, err = l.settle(ticket, true)
		if !ok {
			l.giveWord(ticket)
		}
		return err
	})
	if err == nil && ok {
		h = l.locked(settled)
	}
	return l.tried(breezeway.OpLock, h, ok, err)
}

// Unlock gives up what a writer held.
func (l *rwLock) Unlock(ticket uint64) error {
	l.Released()
	if l.Direct {
		gave := l.release(ticket)
		return l.given(breezeway.OpUnlock, gave, l.toldOnUnlock())
	}
	var gave bool
	err := l.Use(func() error {
		gave = l.release(ticket)
		return l.toldOnUnlock()
	})
	return l.given(breezeway.OpUnlock, gave, err)
}

func (l *rwLock) release(ticket uint64) bool {
	l.giveTurn(ticket)
	return l.giveWord(ticket)
}

// giveTurn makes it the readers' turn, if one wants it. It comes before the word is
// free: another writer may be looking at that.
func (l *rwLock) giveTurn(ticket uint64) {
	if l.head.turn.Load() == turnWanted && l.owner.Has(ticket) && l.head.turn.CompareAndSwap(turnWanted, turnReaders) {
		killpoint.Here("rwmutex turn given")
	}
}

// MarkConsistent says that what the lock protects is in order again.
func (l *rwLock) MarkConsistent(ticket uint64) error {
	if ticket&robust.Recovered == 0 {
		return nil
	}
	var marked bool
	err := l.Touch(func() { marked = l.owner.Mark(ticket) })
	return l.given(breezeway.OpMarkConsistent, marked, err)
}
