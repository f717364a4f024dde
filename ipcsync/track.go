package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// tracked are the permits of a semaphore, and beside it an object of ours,
// bw.track.NAME, in which each slot says how many of them its process holds.
//
// A permit is taken from the semaphore and counted in the slot, one after the
// other. Both happen in a section, which one process has at a time. Before them it
// notes the step, and the semaphore's value. If it is killed, the next process in
// the section compares the value then and now, and so learns how far the step came.
// If a process that doesn't track changed the value in between, one permit can come
// out too few or too many.
//
// # Which table
//
// A semaphore has one table in its life, and a table one semaphore, while both can be
// removed and made again at any moment. docs/models/track.pml checks this:
//
//   - A table begins without a semaphore. It gets one by compare-and-swap, from a
//     process in its section that has found that the semaphore still has its name.
//   - Only two sorts of tables are removed: those of a semaphore that has lost its
//     name, which it can't get back, and those that were abandoned, by the same
//     compare-and-swap, so that no semaphore gets them. Neither can become the table
//     of a semaphore that has its name.
//   - Before a process removes a table as another semaphore's, it looks whether its own
//     semaphore has its name. If not, the table may be the next one's: the process
//     starts over, with the semaphore that has the name now.
type tracked struct {
	permits // of the semaphore itself, once it is open
	robust.Section
	head   *trackHead
	more   *wait.Gate   // for permits, where the semaphore itself is not waited for
	open   func() error // sets permits
	forget func()       // has the next open not return the same semaphore again
	fresh  bool         // this process has made the semaphore
	met    bool         // the object is the semaphore's table
	shut   atomic.Bool  // nothing is taken any more
	dueAt  atomic.Int64 // when to look for dead processes again
}

type trackHead struct {
	robust.MutexHead
	// The inode of the semaphore's file; 0 if there is none yet, and on Windows;
	// abandoned if there never will be one.
	semaphore atomic.Uint64

	// What is under way in the section.
	step  atomic.Uint32
	slot  atomic.Uint32
	n     atomic.Uint32 // permits
	value atomic.Uint32 // of the semaphore before
	held  atomic.Uint32 // in the slot before

	more uint32 // gate
}

// The steps that a section consists of.
const (
	nothing = iota
	taking  // permits from the semaphore into the slot
	giving  // the reverse
)

const (
	trackFile = "track"
	// lookForDead is how often a waiter looks for dead holders.
	lookForDead = 50 * time.Millisecond
)

// abandoned is the inode of no file.
const abandoned = math.MaxUint64

// errStale says that the table and the semaphore don't belong together: one of them has
// been removed. [object.OpenOrMake] takes it for an object that comes and goes, and starts
// over.
var errStale = fmt.Errorf("it was removed and made anew meanwhile (%w, %w)", fs.ErrNotExist, fs.ErrExist)

// newTracked opens a semaphore by open, and the object beside it.
func newTracked(mode robust.OpenMode, name string, s *settings, open func() (*Semaphore, error)) (*Semaphore, error) {
	var sem *Semaphore
	forget := func() {
		if sem != nil {
			sem.permits.close()
			sem = nil
		}
	}
	attach := func() (*tracked, error) {
		t := &tracked{forget: forget}
		t.open = func() (err error) {
			if t.permits != nil {
				return nil
			}
			if sem == nil {
				if sem, err = open(); err != nil {
					return err
				}
			}
			t.permits, t.fresh, sem.direct = sem.permits, sem.created, nil
			return nil
		}
		cfg := s.robust()
		cfg.AnySlots = mode != robust.OpenOrCreate
		err := t.attach(robust.OpenOrCreate, name, cfg, s.Slots)
		switch {
		case errors.Is(err, breezeway.ErrRemoved):
			err = errStale // another process has removed it while this one joined
		case !errors.Is(err, errStale):
			err = object.Final(err)
		}
		return t, err
	}
	t, _, err := object.OpenOrMake(attach, func() (*tracked, error) { return nil, errStale })
	if err != nil {
		forget()
		return nil, err
	}
	if w, ok := t.permits.(interface{ countIn(*atomic.Uint32) }); ok {
		w.countIn(&t.Me.Entry.Waiting)
	}
	sem.permits = t
	return sem, nil
}

// attach opens or makes the object beside the semaphore, and joins it.
func (t *tracked) attach(mode robust.OpenMode, name string, cfg *robust.Config, slots int) error {
	l := robust.Layout{Kind: trackFile, Version: layoutVersion, Slots: slots}
	return robust.Attach(mode, l, name, cfg, func(o *robust.Object) (err error) {
		o.Kind = string(KindSemaphore) // as errors name it
		t.Repair = t.repair
		if err = t.Init(o); err != nil {
			return err
		}
		if t.head, err = robust.Head[trackHead](o); err != nil {
			return err
		}
		if t.more, err = o.Gate(&t.head.more); err != nil {
			return err
		}
		err = t.Join(func() error { return t.Do(context.Background(), t.begin) })
		if err != nil && o.Created {
			// Other processes may have opened it. One that nothing has become of
			// is removed with the object.
			o.Created = t.head.semaphore.CompareAndSwap(0, abandoned)
		}
		return err
	})
}

// observeTracked makes s tell what the object beside it tracks, if there is one.
func (s *Semaphore) observeTracked(set *settings) {
	t := &tracked{permits: s.permits}
	if t.attach(robust.Open, s.name, set.robust(), 0) == nil {
		s.permits, s.direct = observedTrack{t}, nil
	}
}

// observedTrack is what a Semaphore is made of that was opened for its Stats.
type observedTrack struct{ *tracked }

func (t observedTrack) close() error { return errors.Join(t.permits.close(), t.Section.Close()) }

// slot is the number of this process's slot.
func (t *tracked) slot() int { return t.Me.Holder.Slot() }

// begin opens the semaphore and gives back what the slot's past holder held.
func (t *tracked) begin() error {
	if err := t.meet(); err != nil {
		return err
	}
	_, err := t.giveBack(t.slot())
	return err
}

// meet opens the semaphore, and fails with errStale if the object is not its table. It
// is called in the section, once or until it succeeds.
func (t *tracked) meet() error {
	if t.met {
		return nil
	}
	err := t.open()
	if err == nil {
		err = t.identify()
	}
	t.met = err == nil
	return err
}

// repair finishes the step of a process that died in the section. It may be killed
// and called again: if the slot's count is not the noted one, the step was counted.
func (t *tracked) repair() error {
	if err := t.meet(); err != nil {
		return err // the step is that of another semaphore
	}
	step, slot, n := t.head.step.Load(), t.head.slot.Load(), t.head.n.Load()
	if step == nothing || int(slot) >= len(t.Slots.Entries()) {
		t.head.step.Store(nothing)
		return nil
	}
	st, err := t.permits.stats()
	if err != nil {
		return err
	}
	now, before := uint32(st.Value), t.head.value.Load()
	state := &t.Slots.Entries()[slot].State
	if uint32(state.Load()) == t.head.held.Load() { // not counted yet
		switch {
		case step == taking && now < before:
			state.Add(uint64(n))
		case step == giving && now > before && uint32(state.Load()) >= n:
			state.Add(-uint64(n))
		}
	}
	t.head.step.Store(nothing)
	return nil
}

// change does a step in the section: call changes the semaphore, and reports
// whether it did.
func (t *tracked) change(step uint32, slot, n int, call func() (bool, error)) (bool, error) {
	st, err := t.permits.stats()
	if err != nil {
		return false, err
	}
	state := &t.Slots.Entries()[slot].State
	t.head.slot.Store(uint32(slot))
	t.head.n.Store(uint32(n))
	t.head.value.Store(uint32(st.Value))
	t.head.held.Store(uint32(state.Load()))
	t.head.step.Store(step)
	killpoint.Here("track noted")
	ok, err := call()
	if ok {
		killpoint.Here("track changed")
		if step == giving {
			n = -n
		}
		state.Add(uint64(n)) // the generation above may be counted up meanwhile
		killpoint.Here("track counted")
		if step == giving {
			t.more.Wake(wait.All)
		}
	}
	t.head.step.Store(nothing)
	return ok, err
}

// giveBack gives the semaphore what is counted in a slot.
func (t *tracked) giveBack(slot int) (n int, err error) {
	e := &t.Slots.Entries()[slot]
	n = int(uint32(e.State.Load()))
	if n == 0 {
		return 0, nil
	}
	_, err = t.change(giving, slot, n, func() (bool, error) {
		_, err := t.permits.release(n)
		if errors.Is(err, breezeway.ErrTooLarge) {
			// A process that doesn't track has released it already, or the
			// number is nonsense.
			return true, nil
		}
		return err == nil, err
	})
	if err == nil {
		t.head.Recoveries.Add(int64(n))
		t.Log.Warn("a process died that held permits; they are given back",
			slog.String("kind", t.Kind), slog.String("name", t.Name), slog.Int("permits", n))
	}
	return n, err
}

// giveBackAll calls giveBack for all dead processes. It is called in the section.
func (t *tracked) giveBackAll() error {
	for i := range t.Slots.Entries() {
		if uint32(t.Slots.Entries()[i].State.Load()) == 0 {
			continue
		}
		alive, err := t.Slots.IsTaken(i)
		if err == nil && !alive {
			_, err = t.giveBack(i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// take is one attempt of a wait: it has try take a permit of the semaphore, if
// there seems to be one, or a dead process seems to hold one.
func (t *tracked) take(ctx context.Context, try func() (bool, error)) (ok bool, err error) {
	st, err := t.permits.stats()
	if err != nil {
		return false, err
	}
	if st.Value == 0 {
		now := int64(sys.Clock())
		due := t.dueAt.Load()
		if now < due || !t.dueAt.CompareAndSwap(due, now+int64(lookForDead)) {
			return false, nil
		}
		if dead, err := t.someAreDead(); err != nil || !dead {
			return false, err
		}
	}
	err = t.Do(ctx, func() (err error) {
		if t.shut.Load() {
			return os.ErrClosed
		}
		if st.Value == 0 {
			if err := t.giveBackAll(); err != nil {
				return err
			}
		}
		ok, err = t.change(taking, t.slot(), 1, try)
		return err
	})
	return ok, err
}

// someAreDead reports, outside the section, whether entering it may bring a permit.
func (t *tracked) someAreDead() (bool, error) {
	for i := range t.Slots.Entries() {
		if uint32(t.Slots.Entries()[i].State.Load()) > 0 {
			if alive, err := t.Slots.IsTaken(i); err != nil || !alive {
				return true, err
			}
		}
	}
	return t.head.step.Load() != nothing, nil
}

// acquire waits for the section outside the claim: while a process is stopped there, the
// other objects of a WaitAny can be taken.
func (t *tracked) acquire(ctx context.Context, c *robust.Claim) error {
	return t.Use(func() error {
		return t.await(ctx, robust.Around(c, func(try func() (bool, error)) (bool, error) { return t.take(ctx, try) }))
	})
}

func (t *tracked) tryAcquire(patience time.Duration) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = t.Use(func() error {
		t.dueAt.Store(0)
		ok, err = t.take(ctx, func() (bool, error) { return t.permits.tryAcquire(patience) })
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return ok, err
}

func (t *tracked) release(n int) (previous int, err error) {
	err = t.Do(context.Background(), func() error {
		if held := int(uint32(t.Me.Entry.State.Load())); n > held {
			return fmt.Errorf("this Semaphore holds %d permits and can't release %d: with %s a process releases what it acquired (%w)", held, n, fail.Go("Config.Track"), os.ErrInvalid)
		}
		_, err := t.change(giving, t.slot(), n, func() (bool, error) {
			previous, err = t.permits.release(n)
			return err == nil, err
		})
		return err
	})
	return previous, err
}

func (t *tracked) stats() (st Stats, err error) {
	err = t.Use(func() error {
		if st, err = t.permits.stats(); err != nil {
			return err
		}
		st.Holders, st.Recoveries = 0, t.head.Recoveries.Load()
		if st.Waiters, err = t.Waiters(); err != nil {
			return err
		}
		return t.EachLiving(func(e *liveness.Entry) bool { return uint32(e.State.Load()) > 0 }, func(e *liveness.Entry) {
			st.Holders += int(uint32(e.State.Load()))
			st.PIDs = append(st.PIDs, int(e.PID.Load()))
		})
	})
	return st, err
}

// close gives back what this process holds: no other process will for as long as it
// lives. What its waits take comes before that, or not at all.
func (t *tracked) close() error {
	t.shut.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := t.Do(ctx, func() error {
		held := int(uint32(t.Me.Entry.State.Load()))
		if held == 0 {
			return nil
		}
		_, err := t.change(giving, t.slot(), held, func() (bool, error) {
			_, err := t.permits.release(held)
			return err == nil, err
		})
		return err
	})
	if err != nil {
		t.Log.Debug("permits are left for other processes to give back", slog.String("name", t.Name), slog.Any("error", err))
	}
	// A wait for the section may be part of one for the semaphore, and both use the
	// object.
	t.EndWaits()
	return errors.Join(t.permits.close(), t.Section.Close())
}
