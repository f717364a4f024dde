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
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// ownEvent is an event of our own layout.
type ownEvent struct {
	*shared
	state *atomic.Uint64
	fixed uint64     // bits of state that never change
	until *wait.Gate // for it to be set
}

type eventHead struct {
	// Every change is one compare-and-swap of the whole word:
	//
	//	bit  0      it is set
	//	bit  1      it is reset by hand
	//	bit  2      1
	//	bits 3..63  how often it was set, even if it was already
	//
	// Since bit 2 is never 0, nothing can succeed in the zeros that Close leaves
	// in the memory's place: what succeeded, did before that.
	state atomic.Uint64
	until uint32 // gate
}

const (
	eventSet    = 1
	eventManual = 2
	eventMade   = 4
	eventOnce   = 8
)

var errEventOverwritten = fmt.Errorf("it is not an event any more; somebody overwrote it: remove it and create it anew (%w)", breezeway.ErrMismatch)

// fillEvent makes a new event what cfg says.
func fillEvent(cfg *Config) func(io.WriterAt) error {
	return func(w io.WriterAt) error {
		state := uint64(eventMade)
		if cfg != nil && cfg.ManualReset {
			state |= eventManual
		}
		_, err := w.WriteAt(binary.LittleEndian.AppendUint64(nil, state), 0)
		return err
	}
}

// newOwnEvent makes an event of what attach returned.
func newOwnEvent(s *shared, err error) (*ownEvent, error) {
	if err != nil {
		return nil, err
	}
	e := &ownEvent{shared: s}
	h, err := head[eventHead](s)
	if err != nil {
		return nil, err
	}
	e.state = &h.state
	if e.until, err = s.gate(&h.until); err != nil {
		return nil, err
	}
	err = s.use(func() error {
		state := e.state.Load()
		e.fixed = eventMade | state&eventManual
		return e.check(state)
	})
	if err != nil {
		s.Close()
		return nil, err
	}
	return e, s.join(func(*liveness.Member) error { return nil })
}

func (e *ownEvent) check(state uint64) error {
	if state&(eventMade|eventManual) != e.fixed {
		return errEventOverwritten
	}
	return nil
}

// take reports whether one is let through who has been waiting since the state
// was the one before.
func (e *ownEvent) take(before uint64) (bool, error) {
	for {
		s := e.state.Load()
		switch err := e.check(s); {
		case err != nil:
			return false, err
		case e.resetsByHand():
			return s&eventSet != 0 || s/eventOnce != before/eventOnce, nil
		case s&eventSet == 0:
			return false, nil
		case e.state.CompareAndSwap(s, s&^eventSet):
			killpoint.Here("event taken")
			return true, nil
		}
	}
}

func (e *ownEvent) wait(ctx context.Context, c *claim) error {
	if e.direct && c == nil {
		if ok, err := e.take(e.state.Load()); ok && err == nil {
			e.acquired()
			return nil
		}
	}
	first, before := true, uint64(0)
	err := e.shared.wait(ctx, e.until, c, func(bool) (bool, error) {
		if first {
			first, before = false, e.state.Load()
		}
		return e.take(before)
	})
	if err != nil {
		return e.fail("wait", err)
	}
	e.acquired()
	return nil
}

func (e *ownEvent) tryWait() (ok bool, err error) {
	err = e.use(func() error {
		ok, err = e.take(e.state.Load())
		return err
	})
	if err != nil {
		return false, e.fail("wait", err)
	}
	if ok {
		e.acquired()
	}
	return ok, nil
}

func (e *ownEvent) set() error {
	e.released()
	if e.direct && e.raise() == nil {
		return nil
	}
	if err := e.use(e.raise); err != nil {
		return e.fail("set", err)
	}
	return nil
}

// raise sets the event. That changes the word even if it is set: the order in
// which the word changes is the order of what its users do otherwise.
func (e *ownEvent) raise() error {
	for {
		s := e.state.Load()
		if err := e.check(s); err != nil {
			return err
		}
		if !e.state.CompareAndSwap(s, (s|eventSet)+eventOnce) {
			continue
		}
		killpoint.Here("event set")
		if e.resetsByHand() {
			e.until.Wake(wait.All)
		} else {
			e.until.Wake(1)
		}
		return nil
	}
}

func (e *ownEvent) reset() error {
	err := e.use(func() error {
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
		return e.fail("reset", err)
	}
	return nil
}

func (e *ownEvent) resetsByHand() bool { return e.fixed&eventManual != 0 }

func (e *ownEvent) stats() (st Stats, err error) {
	st.Max = -1
	err = e.use(func() error {
		s := e.state.Load()
		if err := e.check(s); err != nil {
			return err
		}
		st.Value = int(s & eventSet)
		st.Waiters, err = e.waiters()
		return err
	})
	if err != nil {
		return Stats{}, e.fail("stat", err)
	}
	return st, nil
}
