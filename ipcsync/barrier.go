package ipcsync

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// Barrier is experimental. It is where a fixed number of parties meet, which are
// goroutines of any processes: each waits until all have arrived. Then all go on,
// and the next round begins. If one of them gives up waiting or dies, the barrier
// is broken: the others of the round get [breezeway.ErrBroken], and so do all that
// come, until Reset.
//
// All methods may be called concurrently.
//
// It is the object bw.barrier.NAME (docs/formats.md).
type Barrier struct {
	s       *robust.Object
	head    *barrierHead
	over    *wait.Gate // for the round to be
	parties int

	arriving sync.Mutex // so that this process's slot never names a past round
}

// barrierHead is what is shared besides the slots. The slots say which processes
// have part in a round: each names in its State the round in which a goroutine of
// its process has arrived last, and does so before that arrives.
type barrierHead struct {
	state      atomic.Uint64 // see barrierState
	parties    uint32        // never changes
	over       uint32        // gate
	recoveries atomic.Int64

	// broken has at r mod 4 the latest such round that was broken: what parties
	// of it are told that look only when others have reset the barrier.
	broken [4]atomic.Uint64
}

var (
	errBroken             = fmt.Errorf("a party that waited gave up or died, or it was reset; call Reset once all parties are ready to begin anew (%w)", breezeway.ErrBroken)
	errBarrierOverwritten = fmt.Errorf("it is not a barrier any more, it was overwritten: remove it and create it anew (%w)", breezeway.ErrMismatch)
)

// CreateBarrier makes the barrier name for a number of parties, 1 to 32767. It
// fails with [os.ErrExist] if there is one, with [os.ErrInvalid] for a bad name or
// number, and with [os.ErrPermission] where this user may not create.
func CreateBarrier(name string, parties int, cfg *Config) (*Barrier, error) {
	return openBarrier(robust.Create, name, parties, cfg)
}

// OpenBarrier opens the barrier name, which has as many parties as its creator
// said. It fails with [os.ErrNotExist] if there is none, with [os.ErrPermission]
// if it belongs to a user that Config.Trust doesn't name, and with
// [breezeway.ErrMismatch], leaving it as it is, if it is something else than a
// barrier that this program understands.
func OpenBarrier(name string, cfg *Config) (*Barrier, error) {
	return openBarrier(robust.Open, name, 0, cfg)
}

// OpenOrCreateBarrier opens the barrier name or, if there is none, makes it;
// [Barrier.Created] tells which. If there is one for another number of parties it
// fails with [breezeway.ErrMismatch].
func OpenOrCreateBarrier(name string, parties int, cfg *Config) (*Barrier, error) {
	return openBarrier(robust.OpenOrCreate, name, parties, cfg)
}

func openBarrier(mode robust.OpenMode, name string, parties int, cfg *Config) (*Barrier, error) {
	return openAs(KindBarrier, mode, name, cfg, func(s *settings) (*Barrier, error) {
		if err := checkParties(mode, parties); err != nil {
			return nil, err
		}
		return newBarrier(mode, name, parties, s)
	})
}

func newBarrierToObserve(mode robust.OpenMode, name string, s *settings) (*Barrier, error) {
	return newBarrier(mode, name, 0, s)
}

// newBarrier comes to a barrier for a number of parties, or for any if that is 0.
func newBarrier(mode robust.OpenMode, name string, parties int, s *settings) (*Barrier, error) {
	b := &Barrier{}
	cfg := s.robust()
	cfg.Fill = func(w io.WriterAt) error {
		head := binary.LittleEndian.AppendUint64(nil, barrierRound)
		head = binary.LittleEndian.AppendUint32(head, uint32(parties))
		_, err := w.WriteAt(head, 0)
		return err
	}
	err := robust.Attach(mode, KindBarrier.layout(s.Slots), name, cfg, func(o *robust.Object) error {
		return b.init(o, parties)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

func checkParties(mode robust.OpenMode, parties int) error {
	if mode != robust.Open && (parties < 1 || parties > maxParties) {
		return fmt.Errorf("%d parties are not possible; 1 to %d are (%w)", parties, maxParties, os.ErrInvalid)
	}
	return nil
}

// init finds the barrier in o. wanted is for how many parties it must be, if it
// isn't 0.
func (b *Barrier) init(o *robust.Object, wanted int) (err error) {
	b.s = o
	if b.head, err = robust.Head[barrierHead](o); err != nil {
		return err
	}
	if b.over, err = o.Gate(&b.head.over); err != nil {
		return err
	}
	err = o.Use(func() error {
		parties := atomic.LoadUint32(&b.head.parties)
		if parties < 1 || parties > maxParties {
			return errBarrierOverwritten
		}
		b.parties = int(parties)
		if wanted != 0 && wanted != b.parties {
			return fmt.Errorf("it is for %d parties, not %d; open it, or remove it and create it anew (%w)", b.parties, wanted, breezeway.ErrMismatch)
		}
		_, err := b.load()
		return err
	})
	if err != nil {
		return err
	}
	return o.Join(b.recover)
}

// check fails for the zero value.
func (b *Barrier) check(op string) error {
	if b == nil || b.s == nil {
		return unopened{KindBarrier}.fail(op)
	}
	return nil
}

// recover breaks the round in which the slot's past holder died.
func (b *Barrier) recover(m *liveness.Member) error {
	state := m.Entry.State.Load()
	s, err := b.load()
	if err == nil {
		b.forget(m.Entry, state, s.round())
	}
	return err
}

// load returns the state, if it can be one.
func (b *Barrier) load() (barrierState, error) {
	s := barrierState(b.head.state.Load())
	if s.round() == 0 || s.arrived() >= b.parties {
		return s, errBarrierOverwritten
	}
	return s, nil
}

func (b *Barrier) swap(old, new barrierState) bool {
	return b.head.state.CompareAndSwap(uint64(old), uint64(new))
}

// Wait waits until as many as the barrier has parties have called it. It returns
// 0 to the party that arrived first in this round, and so on: the last one, which
// lets the others go, gets the number of parties less 1. What each did before Wait,
// all see after it.
//
// If ctx is done before it arrives it returns [context.Cause], and nothing
// happens. If ctx is done while it waits it returns that within 10 ms and breaks
// the barrier, as does Close of this process's Barrier ([os.ErrClosed]), the death
// of this process, and the barrier's removal, which is found out within a second
// ([breezeway.ErrRemoved]). The others of the round then get
// [breezeway.ErrBroken]; they find out within 100 ms that a process died, from when
// the kernel has freed its memory and closed its files.
//
// A round is over for all of its parties or for none, with one exception: a
// process that was stopped while four further rounds were broken may get
// ErrBroken for one that was not.
func (b *Barrier) Wait(ctx context.Context) (index int, err error) {
	if err := b.check(breezeway.OpWait); err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, b.s.Fail(breezeway.OpWait, context.Cause(ctx))
	}
	b.s.Released()
	err = b.s.Use(func() (err error) {
		var round uint64
		if round, index, err = b.arrive(); err != nil {
			return err
		}
		if index == b.parties-1 {
			b.over.Wake(wait.All)
			return nil
		}
		err = b.s.Wait(ctx, b.over, nil, func(check bool) (bool, error) { return b.isOver(round, check) })
		if err != nil {
			if _, over := b.breakUp(round); over {
				return nil // just before
			}
		}
		return err
	})
	if err != nil {
		return 0, b.s.Fail(breezeway.OpWait, err)
	}
	b.s.Acquired()
	return index, nil
}

// arrive counts a party that has come, and begins the next round if it is the last.
func (b *Barrier) arrive() (round uint64, index int, err error) {
	b.arriving.Lock()
	defer b.arriving.Unlock()
	for {
		s, err := b.load()
		if err != nil {
			return 0, 0, err
		}
		if s.broken() {
			return 0, 0, errBroken
		}
		part := &b.s.Me.Entry.State
		part.Store(part.Load()&^(1<<32-1) | uint64(partOf(s.round())))
		killpoint.Here("barrier part taken")
		next := s + barrierArrival
		if s.arrived() == b.parties-1 {
			next = s.next()
		}
		if b.swap(s, next) {
			killpoint.Here("barrier arrived")
			return s.round(), s.arrived(), nil
		}
	}
}

// isOver reports whether a round, in which this process has arrived, is over. With
// check it looks whether all processes that have arrived live.
func (b *Barrier) isOver(round uint64, check bool) (bool, error) {
	s, err := b.load()
	switch {
	case err != nil:
		return false, err
	case s.round() < round:
		return false, errBarrierOverwritten
	case s.round() > round && b.wasBroken(round):
		return false, errBroken
	case s.round() > round:
		return true, nil
	case s.broken():
		return false, errBroken
	case check:
		return false, b.checkParts(round)
	}
	return false, nil
}

// checkParts breaks the barrier if a process has died that had part in the round.
// It clears what the slots of the dead name: the numbers of rounds recur there.
func (b *Barrier) checkParts(round uint64) error {
	for i := range b.s.Slots.Entries() {
		e := &b.s.Slots.Entries()[i]
		state := e.State.Load()
		if uint32(state) == 0 {
			continue
		}
		alive, err := b.s.Slots.IsTaken(i)
		if err != nil {
			return err
		}
		if !alive {
			b.forget(e, state, round)
		}
	}
	return nil // the next look tells whether the round was broken
}

// forget breaks the round if the dead process that left this state in its slot
// had part in it, and clears the slot.
func (b *Barrier) forget(e *liveness.Entry, state, round uint64) {
	if uint32(state) == partOf(round) {
		if did, _ := b.breakUp(round); did {
			b.head.recoveries.Add(1)
			b.s.Log.Warn("a process died waiting; the barrier is broken", slog.String("kind", b.s.Kind), slog.String("name", b.s.Name))
		}
	}
	e.State.CompareAndSwap(state, state&^(1<<32-1))
}

// breakUp breaks a round that is neither over nor broken, and reports whether it
// did, and whether it was over.
func (b *Barrier) breakUp(round uint64) (did, over bool) {
	for {
		s := barrierState(b.head.state.Load())
		switch {
		case s.round() > round:
			return false, !b.wasBroken(round)
		case s.round() < round || s.broken():
			return false, false
		case b.swap(s, s|barrierBroken):
			killpoint.Here("barrier broken")
			b.noteBroken(round)
			b.over.Wake(wait.All)
			return true, false
		}
	}
}

// noteBroken notes that a round was broken, before the next one begins or later.
func (b *Barrier) noteBroken(round uint64) {
	noted := &b.head.broken[round%4]
	for {
		old := noted.Load()
		if old >= round || noted.CompareAndSwap(old, round) {
			return
		}
	}
}

// wasBroken reports whether a round that is over was broken. It isn't known any
// more where a later round is noted in its place.
func (b *Barrier) wasBroken(round uint64) bool { return b.head.broken[round%4].Load() >= round }

// Reset begins a new round, also where the barrier is broken. Those that wait get
// [breezeway.ErrBroken].
func (b *Barrier) Reset() error {
	if err := b.check(breezeway.OpReset); err != nil {
		return err
	}
	err := b.s.Use(func() error {
		for {
			s, err := b.load()
			switch {
			case err != nil:
				return err
			case !s.broken() && s.arrived() == 0:
				return nil
			case !s.broken():
				b.breakUp(s.round())
			default:
				b.noteBroken(s.round())
				if b.swap(s, s.next()) {
					killpoint.Here("barrier reset")
					b.over.Wake(wait.All)
					return nil
				}
			}
		}
	})
	if err != nil {
		return b.s.Fail(breezeway.OpReset, err)
	}
	return nil
}

// Parties returns how many have to come, as the barrier's creator said.
func (b *Barrier) Parties() int {
	if b == nil {
		return 0
	}
	return b.parties
}

// Stats tells whether the barrier is whole, and how many have arrived.
func (b *Barrier) Stats() (st Stats, err error) {
	if err := b.check(breezeway.OpStat); err != nil {
		return Stats{}, err
	}
	err = b.s.Use(func() error {
		s, err := b.load()
		st = Stats{Max: b.parties, Recoveries: b.head.recoveries.Load()}
		if !s.broken() {
			st.Value, st.Waiters = 1, s.arrived()
		}
		return err
	})
	if err != nil {
		return Stats{}, b.s.Fail(breezeway.OpStat, err)
	}
	return st, nil
}

// Name returns the barrier's name.
func (b *Barrier) Name() string {
	if b == nil || b.s == nil {
		return ""
	}
	return b.s.Name
}

// Created reports whether the call that returned b made the barrier.
func (b *Barrier) Created() bool { return b != nil && b.s != nil && b.s.Created }

// Close ends this process's use of the barrier: those of it that wait get
// [os.ErrClosed], which breaks the barrier. Closing again does nothing.
func (b *Barrier) Close() error {
	if err := b.check(breezeway.OpClose); err != nil {
		return err
	}
	return b.s.Close()
}
