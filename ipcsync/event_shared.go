package ipcsync

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// sharedEvent is an event of our own layout.
type sharedEvent struct {
	*robust.Object
	state *atomic.Uint64
	fixed uint64     // bits of state that never change
	until *wait.Gate // waiters for Set
}

type eventHead struct {
	// Every change is one compare-and-swap of the whole word:
	//
	//	bit  0      it is set
	//	bit  1      it is reset by hand
	//	bit  2      1
	//	bits 3..62  how often it was set, even if it was already
	//	bit  63     it is removed; see Remove
	//
	// Only the last one is set by an atomic "or". No operation succeeds on a word that
	// has it.
	//
	// Close leaves zeros in the memory's place. No operation succeeds there, since
	// bit 2 is 0: one that succeeded took place in shared memory.
	state atomic.Uint64
	until uint32 // gate
}

const (
	eventSet    = 1
	eventManual = 2
	eventMade   = 4
	eventOnce   = 8
)

var errEventOverwritten = fmt.Errorf("it is not an event any more, it was overwritten: remove it and create it anew (%w)", breezeway.ErrMismatch)

func newSharedEvent(mode robust.OpenMode, name string, s *settings) (*Event, error) {
	e := &sharedEvent{}
	cfg := s.robust()
	cfg.Fill = func(w io.WriterAt) error {
		state := uint64(eventMade)
		if s.ManualReset {
			state |= eventManual
		}
		_, err := w.WriteAt(binary.LittleEndian.AppendUint64(nil, state), 0)
		return err
	}
	if err := robust.Attach(mode, KindEvent.layout(s.Slots), name, cfg, e.init); err != nil {
		return nil, err
	}
	return &Event{e, e.Name, e.Created}, nil
}

// init finds the event in o.
func (e *sharedEvent) init(o *robust.Object) error {
	e.Object = o
	h, err := robust.Head[eventHead](o)
	if err != nil {
		return err
	}
	e.state = &h.state
	if e.until, err = o.Gate(&h.until); err != nil {
		return err
	}
	err = o.Use(func() error {
		state := e.state.Load()
		e.fixed = eventMade | state&eventManual
		return e.check(state &^ removedBit) // the first call finds that out
	})
	if err != nil {
		return err
	}
	return o.Join(func(*liveness.Member) error { return nil })
}

// check fails if the event was removed or overwritten.
func (e *sharedEvent) check(state uint64) error {
	switch state & (eventMade | eventManual | removedBit) {
	case e.fixed:
		return nil
	case e.fixed | removedBit:
		return robust.ErrRemoved
	}
	return errEventOverwritten
}

// take reports whether the event lets a wait through that began with the state
// before.
func (e *sharedEvent) take(before uint64) (bool, error) {
	for {
		s := e.state.Load()
		switch err := e.check(s); {
		case err != nil:
			return false, err
		case e.Manual():
			return s&eventSet != 0 || s/eventOnce != before/eventOnce, nil
		case s&eventSet == 0:
			return false, nil
		case e.state.CompareAndSwap(s, s&^eventSet):
			killpoint.Here("event taken")
			return true, nil
		}
	}
}

func (e *sharedEvent) Wait(ctx context.Context, c *robust.Claim) error {
	if e.Direct && c == nil {
		if ok, err := e.take(e.state.Load()); ok && err == nil {
			e.Acquired()
			return nil
		}
	}
	first, before := true, uint64(0)
	err := e.Object.Wait(ctx, e.until, c, func(bool) (bool, error) {
		if first {
			first, before = false, e.state.Load()
		}
		return e.take(before)
	})
	if err != nil {
		return e.Fail(breezeway.OpWait, err)
	}
	e.Acquired()
	return nil
}

func (e *sharedEvent) TryWait() (ok bool, err error) {
	err = e.Use(func() error {
		ok, err = e.take(e.state.Load())
		return err
	})
	if err != nil {
		return false, e.Fail(breezeway.OpWait, err)
	}
	if ok {
		e.Acquired()
	}
	return ok, nil
}

func (e *sharedEvent) Set() error {
	e.Released()
	if e.Direct && e.raise() == nil {
		return nil
	}
	if err := e.Use(e.raise); err != nil {
		return e.Fail(breezeway.OpSet, err)
	}
	return nil
}

// raise sets the event. It changes the word even if the event is set already: a wait
// that is let through sees what was before the last change of the word, and so what
// was before this Set.
func (e *sharedEvent) raise() error {
	for {
		s := e.state.Load()
		if err := e.check(s); err != nil {
			return err
		}
		if !e.state.CompareAndSwap(s, (s|eventSet)+eventOnce) {
			continue
		}
		killpoint.Here("event set")
		if e.Manual() {
			e.until.Wake(wait.All)
		} else {
			e.until.Wake(1)
		}
		return nil
	}
}

func (e *sharedEvent) Reset() error {
	err := e.Use(func() error {
		for {
			s := e.state.Load()
			if err := e.check(s); err != nil {
				return err
			}
			if e.state.CompareAndSwap(s, s&^eventSet) {
				return nil
			}
		}
	})
	if err != nil {
		return e.Fail(breezeway.OpReset, err)
	}
	return nil
}

func (e *sharedEvent) Manual() bool { return e.fixed&eventManual != 0 }

func (e *sharedEvent) Stats() (st Stats, err error) {
	st.Max = -1
	err = e.Use(func() error {
		s := e.state.Load()
		if err := e.check(s &^ removedBit); err != nil {
			return err
		}
		st.Value = int(s & eventSet)
		st.Waiters, err = e.Waiters()
		return err
	})
	if err != nil {
		return Stats{}, e.Fail(breezeway.OpStat, err)
	}
	return st, nil
}
