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

// Barrier is experimental. It is where a fixed number of parties meet: goroutines,
// of any processes. Each waits until all have arrived. Then all go on, and the next
// round begins. If a party gives up waiting or dies, the barrier is broken: the
// others of the round get [breezeway.ErrBroken], and so does every later Wait, until
// Reset.
//
// All methods may be called concurrently.
//
// It is the object bw.barrier.NAME (docs/formats.md).
type Barrier struct {
	s       *robust.Object
	head    *barrierHead
	over    *wait.Gate // waiters for the end of the round
	parties int

	arriving sync.Mutex // keeps this process's slot from naming a past round
}

// barrierHead is what is shared besides the slots. A slot says in which round its
// process takes part: its State names the round in which a goroutine of the process
// has arrived last. It is stored before the goroutine counts itself as arrived.
type barrierHead struct {
	state      atomic.Uint64 // see barrierState
	parties    uint32        // never changes
	over       uint32        // gate
	recoveries atomic.Int64

	// broken[i] is the latest broken round r with r mod 4 = i. Parties of that
	// round that look only after others have reset the barrier find it here.
	broken [4]atomic.Uint64
}

var (
	errBroken             = fmt.Errorf("a party that waited gave up or died, or it was reset; call Reset once all parties are ready to begin anew (%w)", breezeway.ErrBroken)
	errBarrierOverwritten = fmt.Errorf("it is not a barrier any more, it was overwritten: remove it and create it anew (%w)", breezeway.ErrMismatch)
)

// CreateBarrier makes the barrier name for 1 to 32767 parties. It fails with
// [os.ErrExist] if there is one, with [os.ErrInvalid] for a bad name or
// number, and with [os.ErrPermission] where this user may not create.
func CreateBarrier(name string, parties int, cfg *Config) (*Barrier, error) {
	return openBarrier(robust.Create, name, parties, cfg)
}

// OpenBarrier opens the barrier name. It has as many parties as its creator said.
// It fails with [os.ErrNotExist] if there is none, with [os.ErrPermission]
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

// newBarrier creates or opens a barrier for a number of parties, or opens one for
// any number if that is 0.
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

// init finds the barrier in o. It must be for as many parties as wanted says, unless
// that is 0.
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

// load returns the state, or an error if it can't be one.
func (b *Barrier) load() (barrierState, error) {
	s := barrierState(b.head.state.Load())
	if s.round() == 0 || s.arrived() >= b.parties {
		return s, errBarrierOverwritten
	}
	return s, nil
}

// loadInUse is load for a barrier that has to be there still.
func (b *Barrier) loadInUse() (barrierState, error) {
	s, err := b.load()
	if err == nil && s.removed() {
		err = robust.ErrRemoved
	}
	return s, err
}

func (b *Barrier) swap(old, new barrierState) bool {
	return b.head.state.CompareAndSwap(uint64(old), uint64(new))
}

// Wait waits until all parties have called it. index is 0 for the party that arrived
// first in this round, 1 for the second, and so on. What a party did before Wait is
// seen by all after it.
//
// If ctx is done before the call, Wait returns [context.Cause] and changes nothing.
// A party that is waiting breaks the barrier when
//
//   - its ctx is done: Wait returns [context.Cause] within 10 ms;
//   - this process closes the Barrier: [os.ErrClosed];
//   - its process dies.
//
// The others of the round then get [breezeway.ErrBroken]: within 100 ms from when
// the kernel has freed a dead process's memory and closed its files, otherwise at
// once. If the barrier is removed by [Remove], all parties of the round get
// [breezeway.ErrRemoved]; if its file is removed by another program, one does, within a
// second, and breaks the barrier.
//
// A round is over for all of its parties or for none, with one exception: a party
// that doesn't run while four or more further rounds pass, of which one is broken, may
// get ErrBroken for a round that was not.
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

// arrive counts a party, and begins the next round if it is the last of this one.
func (b *Barrier) arrive() (round uint64, index int, err error) {
	b.arriving.Lock()
	defer b.arriving.Unlock()
	for {
		s, err := b.loadInUse()
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

// isOver reports whether the round is over, in which this process has arrived. With
// check it also asks whether all processes live that have arrived.
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
	case s.removed():
		return false, robust.ErrRemoved
	case s.broken():
		return false, errBroken
	case check:
		return false, b.checkParts(round)
	}
	return false, nil
}

// checkParts breaks the barrier if a process died that had part in the round. It
// clears the slots of dead processes, since the numbers of rounds recur there.
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

// wasBroken reports whether a round that is over was broken. It says so also if a
// later round has taken its place in head.broken.
func (b *Barrier) wasBroken(round uint64) bool { return b.head.broken[round%4].Load() >= round }

// Reset begins a new round, also if the barrier is broken. Parties that wait get
// [breezeway.ErrBroken]. Without a party that waits, and unless the barrier is
// broken, it does nothing.
func (b *Barrier) Reset() error {
	if err := b.check(breezeway.OpReset); err != nil {
		return err
	}
	err := b.s.Use(func() error {
		for {
			s, err := b.loadInUse()
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

// Parties returns how many parties the barrier is for.
func (b *Barrier) Parties() int {
	if b == nil {
		return 0
	}
	return b.parties
}

// Stats returns whether the barrier is broken (Value is 0 then), and how many have
// arrived in this round.
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

// Close ends this process's use of the barrier. Its waiters get [os.ErrClosed], which
// breaks the barrier. Closing again does nothing.
func (b *Barrier) Close() error {
	if err := b.check(breezeway.OpClose); err != nil {
		return err
	}
	return b.s.Close()
}

// barrierState is a word in shared memory. Every change of a barrier is one
// compare-and-swap of it, but its removal an atomic "or":
//
//	bit  0       it is broken
//	bits 1..15   how many have arrived in this round
//	bits 16..62  the round, from 1 on
//	bit  63      it is removed: no party arrives any more, and no round begins
type barrierState uint64

const (
	barrierBroken  = 1
	barrierArrival = 2
	barrierRound   = 1 << 16

	maxParties = 1<<15 - 1
)

func (s barrierState) round() uint64 { return uint64(s &^ removedBit / barrierRound) }
func (s barrierState) arrived() int  { return int(s % barrierRound / barrierArrival) }
func (s barrierState) broken() bool  { return s&barrierBroken != 0 }
func (s barrierState) removed() bool { return s&removedBit != 0 }

// next returns the state at the beginning of the next round.
func (s barrierState) next() barrierState { return (s/barrierRound + 1) * barrierRound }

// partOf returns the name of a round in a slot's State. It is never 0.
func partOf(round uint64) uint32 { return uint32(round) | 1<<31 }
