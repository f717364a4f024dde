package ipcsync

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// rwLock is what an [RWMutex] stands on. docs/models/rwmutex.pml is its argument
// for the model checker.
//
// The writer is whom the owner word names. First he is pending: he has the word,
// which keeps new readers out, and waits for the readers to leave. When no slot
// counts a reader any more he takes the pending bit away, and is alone.
//
// The readers are counted in the lower half of the State of their process's slot.
// A reader counts himself and then loads the word; a writer takes the word and
// then loads the counts. All of it is sequentially consistent: if the reader's
// load found the word free, it came before the writer took it, so that the
// writer's later load of the slot sees the count. Otherwise the reader sees the
// writer, and takes himself off the count. So never do both go on:
//
//	reader:  count; load word           writer:  take word; load counts
//
// A State is changed by compare-and-swap of the whole, whose upper half is the
// generation. By the slot's own process as long as the generation is its own: a
// goroutine that is late after Close counts itself in nobody else's slot, and
// takes nobody else off. And by a writer who found that the slot has no lock
// after he read the State: then the process that had that generation is dead,
// since it locked the slot before it began the generation. If meanwhile another
// process took the slot, either it is about to begin the next generation, which
// makes the swap fail, or has begun it, and the writer has read that one. Who
// begins a generation clears what the one before it counted, and until he has
// done so a writer waits, since the slot is locked: a count too many for a moment,
// and never one too few. Who dies before he has cleared it leaves a slot without
// a lock.
//
// Slots from head.used on were never taken. It is raised before the slot's process
// counts its first reader, so that a writer who is to see the count sees that too.
type rwLock struct {
	*shared
	owner
	head       *rwHead
	mayWrite   *wait.Gate // for the word to be free
	mayRead    *wait.Gate // for no writer to be there
	drained    *wait.Gate // for no reader to be there: the pending writer
	generation uint32     // of this process, in its slot
	tickets    tickets
}

type rwHead struct {
	word                       atomic.Uint64 // see owner
	mayWrite, mayRead, drained uint32        // gates
	turn                       atomic.Uint32
	used                       atomic.Uint32 // slots
	_                          uint32
	recoveries                 atomic.Int64
}

// Whose turn it is keeps writers who come one after the other from starving
// readers. It is a hint: what a reader wanted who died delays one writer, until he
// next looks for himself. Who lives clears what he wanted, so that nobody waits for
// nobody.
const (
	turnOpen = iota
	// turnWanted is set by a reader who waits.
	turnWanted
	// turnReaders is made of it by a writer who unlocks. To writers the lock is
	// taken then until a reader has come and left again.
	turnReaders
)

var errOverwritten = fmt.Errorf("somebody overwrote what this process wrote there; remove it and create it anew (%w)", breezeway.ErrMismatch)

// countBits of a State are how many read.
const countBits = 1<<32 - 1

// newRWLock makes a lock of what attach returned.
func newRWLock(s *shared, err error) (*rwLock, error) {
	if err != nil {
		return nil, err
	}
	m := &rwLock{shared: s}
	if m.head, err = head[rwHead](s); err != nil {
		return nil, err
	}
	m.owner = owner{word: &m.head.word, table: s.slotTable}
	for word, gate := range map[*uint32]**wait.Gate{
		&m.head.mayWrite: &m.mayWrite,
		&m.head.mayRead:  &m.mayRead,
		&m.head.drained:  &m.drained,
	} {
		if *gate, err = s.gate(word); err != nil {
			return nil, err
		}
	}
	return m, s.join(m.begin)
}

// begin makes the slot ours, and takes back what its past holder held.
func (m *rwLock) begin(me *liveness.Member) error {
	m.owner.me = me.Holder
	for {
		used, ours := m.head.used.Load(), uint32(me.Holder&0xffff) // the slot's number, plus 1
		if used >= ours || m.head.used.CompareAndSwap(used, ours) {
			break
		}
	}
	old := me.Entry.State.And(^uint64(countBits))
	m.generation = liveness.Generation(old)
	if old&countBits != 0 {
		killpoint.Here("rwmutex slot cleared")
		m.buried()
		m.drained.Wake(1)
	}
	if m.disown(me) {
		m.wakeAll(1)
	}
	return nil
}

// buried tells that a reader has died.
func (m *rwLock) buried() {
	m.head.recoveries.Add(1)
	m.log.Warn("a process that read under the lock died; nobody waits for it any more", slog.String("kind", m.kind), slog.String("name", m.name))
}

// wakeAll wakes all readers, and as many writers.
func (m *rwLock) wakeAll(writers int) {
	m.mayRead.Wake(wait.All)
	m.mayWrite.Wake(writers)
}

// touch calls f with the memory protected where that is needed.
func (m *rwLock) touch(f func()) error {
	if m.direct {
		f()
		return nil
	}
	return m.use(func() error {
		f()
		return nil
	})
}

func (m *rwLock) lock(ctx context.Context, c *claim) (Held, error) {
	if m.direct && c == nil && m.head.turn.Load() != turnReaders {
		w := m.word.Load()
		ticket := w + once | pending | uint64(m.me)
		if w&(holderBits|inherited) == 0 && m.word.CompareAndSwap(w, ticket) {
			killpoint.Here("owner taken")
			if ok, _ := m.settle(ticket, false); ok {
				return m.lockedDirectly(ticket &^ pending)
			}
			return m.drain(ctx, nil, ticket, fresh)
		}
	}
	var ticket uint64
	var how taken
	checks := 0
	// Not what the claim is for: other waits of it may win until the readers
	// have left.
	err := m.wait(ctx, m.mayWrite, nil, func(check bool) (ok bool, err error) {
		if check {
			checks++
		}
		if m.head.turn.Load() == turnReaders && m.word.Load()&(holderBits|inherited) == 0 {
			if !check || checks == 1 { // which comes before the first sleep
				return false, nil
			}
			m.head.turn.Store(turnOpen) // they have had their time
		}
		ticket, how, err = m.tryTake(check)
		return how == fresh || how == stolen, err
	})
	if err != nil {
		return Held{}, m.fail("lock", err)
	}
	return m.drain(ctx, c, ticket, how)
}

// tryTake takes the word, pending, and fails if that can't succeed any more.
func (m *rwLock) tryTake(check bool) (uint64, taken, error) {
	ticket, how, err := m.take(pending, check)
	switch {
	case err != nil:
		return 0, busy, err
	case how == spoiled:
		m.head.recoveries.Add(1)
		m.wakeAll(wait.All)
		return 0, how, errNotRecoverable
	case how == hopeless:
		return 0, how, errNotRecoverable
	}
	return ticket, how, nil
}

// drain waits until the readers have left.
func (m *rwLock) drain(ctx context.Context, c *claim, ticket uint64, how taken) (Held, error) {
	err := m.wait(ctx, m.drained, c, func(check bool) (bool, error) { return m.settle(ticket, check) })
	if err != nil {
		m.touch(func() { m.retreat(ticket) })
		return Held{}, m.fail("lock", err)
	}
	return m.locked(ticket&^pending, how), nil
}

// settle makes the pending writer the only one there, if no reader is left.
func (m *rwLock) settle(ticket uint64, check bool) (bool, error) {
	if drained, err := m.isDrained(check); err != nil || !drained {
		return false, err
	}
	if !m.word.CompareAndSwap(ticket, ticket&^pending) {
		return false, errOverwritten
	}
	killpoint.Here("rwmutex drained")
	if ticket&inherited != 0 {
		m.head.recoveries.Add(1)
	}
	return true, nil
}

// isDrained reports whether no reader is left. With check it takes those who died
// off the count.
func (m *rwLock) isDrained(check bool) (bool, error) {
	entries := m.slotTable.Entries()
	used := min(int(m.head.used.Load()), len(entries))
	for i := range entries[:used] {
		state := &entries[i].State
		s := state.Load()
		if s&countBits == 0 {
			continue
		}
		if !check {
			return false, nil
		}
		if alive, err := m.slotTable.IsTaken(i); err != nil || alive {
			return false, err
		}
		if !state.CompareAndSwap(s, s&^countBits) {
			return false, nil // another process has it now, or is as fast as we are
		}
		killpoint.Here("rwmutex reader buried")
		m.buried()
	}
	return true, nil
}

// retreat gives the word back untouched.
func (m *rwLock) retreat(ticket uint64) {
	if m.withdraw(ticket) {
		m.wakeAll(1)
	}
}

// lockedDirectly is what follows when the word was taken from nobody, perhaps in
// the memory that Close left.
func (m *rwLock) lockedDirectly(ticket uint64) (Held, error) {
	if m.closed.Load() {
		m.retreat(ticket)
		return Held{}, m.fail("lock", os.ErrClosed)
	}
	return m.locked(ticket, fresh), nil
}

func (m *rwLock) locked(ticket uint64, how taken) Held {
	m.acquired()
	if how == stolen && ticket&inherited != 0 {
		m.log.Warn("the process that held the lock died; this one has it now", slog.String("kind", m.kind), slog.String("name", m.name))
	}
	return Held{m, ticket}
}

func (m *rwLock) tryLock() (h Held, ok bool, err error) {
	var ticket uint64
	var how taken
	err = m.use(func() error {
		// Looked at first, so as not to keep readers out for nothing.
		if drained, err := m.isDrained(true); err != nil || !drained {
			return err
		}
		if ticket, how, err = m.tryTake(true); err != nil || how == busy {
			return err
		}
		ok, err = m.settle(ticket, true)
		if !ok {
			m.retreat(ticket)
		}
		return err
	})
	if err == nil && ok {
		h = m.locked(ticket&^pending, how)
	}
	return m.tried("lock", h, ok, err)
}

// tried is how an attempt that doesn't wait ends.
func (m *rwLock) tried(op string, h Held, ok bool, err error) (Held, bool, error) {
	if err == nil && !ok && m.closed.Load() {
		err = os.ErrClosed
	}
	if err != nil {
		return Held{}, false, m.fail(op, err)
	}
	return h, ok, nil
}

func (m *rwLock) unlock(ticket uint64) error {
	m.released()
	var gave bool
	err := m.touch(func() { gave = m.release(ticket) })
	return m.given("unlock", gave, err)
}

// given is how giving something up ends.
func (m *rwLock) given(op string, gave bool, err error) error {
	if err == nil && (!gave || m.closed.Load()) {
		err = errNotHeld
	}
	if err != nil {
		return m.fail(op, err)
	}
	return nil
}

// release gives up what a writer held.
func (m *rwLock) release(ticket uint64) bool {
	// Before the word is free: another writer may be looking at it.
	theirs := ticket&inherited == 0 && m.head.turn.Load() == turnWanted && m.has(ticket) &&
		m.head.turn.CompareAndSwap(turnWanted, turnReaders)
	if theirs {
		killpoint.Here("rwmutex turn given")
	}
	gave, spoils := m.give(ticket)
	switch {
	case spoils:
		m.wakeAll(wait.All)
	case gave && theirs:
		m.mayRead.Wake(wait.All) // the first to leave wakes a writer
	case gave:
		m.wakeAll(1)
	}
	return gave
}

func (m *rwLock) markConsistent(ticket uint64) error {
	var marked bool
	err := m.touch(func() { marked = m.mark(ticket) })
	return m.given("mark consistent", marked, err)
}

func (m *rwLock) reset() error {
	err := m.use(func() error {
		did, err := m.owner.reset()
		if did {
			m.wakeAll(1)
		}
		return err
	})
	if err != nil {
		return m.fail("reset", err)
	}
	return nil
}

func (m *rwLock) stats() (st Stats, err error) {
	err = m.use(func() (err error) {
		st, err = m.lockStats(&m.owner, m.head.recoveries.Load())
		if err != nil {
			return err
		}
		if m.word.Load()&pending != 0 {
			st.Holders, st.PIDs = 0, nil // he waits, and is counted there
		}
		isReader := func(e *liveness.Entry) bool { return e.State.Load()&countBits != 0 }
		return m.slots(isReader, func(e *liveness.Entry) {
			st.Value = 0
			st.Holders += int(e.State.Load() & countBits)
			st.PIDs = append(st.PIDs, int(e.PID.Load()))
		})
	})
	if err != nil {
		return Stats{}, m.fail("stat", err)
	}
	return st, nil
}
