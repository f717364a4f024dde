package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// Cond is experimental. It is package sync's Cond across processes: holders of a
// [Mutex] wait there for a change of what the mutex protects. All processes use it
// with the same mutex.
//
//	h, err := m.Lock(ctx)
//	for err == nil && !ready() {
//		h, err = c.Wait(ctx, h)
//	}
//	// use what is ready, if err is nil
//	h.Unlock()
//
// All methods may be called concurrently.
//
// It is the object bw.cond.NAME (docs/formats.md), beside the mutex.
type Cond struct {
	s    *robust.Object
	head *condHead
	news *wait.Gate
}

type condHead struct {
	// How many Signals and Broadcasts there were; bit 63 says that the condition is
	// removed.
	signals atomic.Uint64
	news    uint32 // gate
}

// relocker is a Mutex as its holders see it, which can lock it again.
type relocker interface {
	holder
	Lock(context.Context, *robust.Claim) (ticket uint64, err error)
}

// CreateCond makes the condition name. It fails with [os.ErrExist] if there is one,
// with [os.ErrInvalid] for a bad name, and with [os.ErrPermission] where this user
// may not create.
func CreateCond(name string, cfg *Config) (*Cond, error) {
	return openCond(robust.Create, name, cfg)
}

// OpenCond opens the condition name. It fails with [os.ErrNotExist] if there is
// none, with [os.ErrPermission] if it belongs to a user that Config.Trust doesn't
// name, and with [breezeway.ErrMismatch], leaving it as it is, if it is something
// else than a condition that this program understands.
func OpenCond(name string, cfg *Config) (*Cond, error) { return openCond(robust.Open, name, cfg) }

// OpenOrCreateCond opens the condition name or, if there is none, makes it;
// [Cond.Created] tells which.
func OpenOrCreateCond(name string, cfg *Config) (*Cond, error) {
	return openCond(robust.OpenOrCreate, name, cfg)
}

func openCond(mode robust.OpenMode, name string, cfg *Config) (*Cond, error) {
	return openAs(KindCond, mode, name, cfg, func(s *settings) (*Cond, error) { return newCond(mode, name, s) })
}

func newCond(mode robust.OpenMode, name string, s *settings) (*Cond, error) {
	c := &Cond{}
	if err := robust.Attach(mode, KindCond.layout(s.Slots), name, s.robust(), c.init); err != nil {
		return nil, err
	}
	return c, nil
}

// init finds the condition in o.
func (c *Cond) init(o *robust.Object) (err error) {
	c.s = o
	if c.head, err = robust.Head[condHead](o); err != nil {
		return err
	}
	if c.news, err = o.Gate(&c.head.news); err != nil {
		return err
	}
	return o.Join(func(*liveness.Member) error { return nil })
}

// check fails for the zero value.
func (c *Cond) check(op string) error {
	if c == nil || c.s == nil {
		return unopened{KindCond}.fail(op)
	}
	return nil
}

// Wait unlocks the mutex that h stands for, waits for Signal or Broadcast, and
// locks the mutex again. It misses none that comes after it has unlocked. It may
// also return without either, so check the condition in a loop.
//
// The Held that it returns replaces h, with an error too. Wait fails with
// [context.Cause] if ctx is done, with [os.ErrClosed] if c is closed, and with
// [breezeway.ErrRemoved] if the condition or the mutex is removed; it first locks the
// mutex again, however long that takes. If it can't, because the mutex was closed or
// removed, the Held is the zero value. If h is not that of a Mutex, or no longer held,
// Wait fails with [os.ErrInvalid] and returns h; if the condition was removed before, it
// returns h too, still held.
//
// A process may have died holding the mutex meanwhile: see [Held.Recovered].
func (c *Cond) Wait(ctx context.Context, h Held) (Held, error) {
	if err := c.check(breezeway.OpWait); err != nil {
		return h, err
	}
	m, ok := h.by.(relocker)
	if !ok {
		return h, c.s.Fail(breezeway.OpWait, fmt.Errorf("the Held is not that of a locked Mutex (%w)", os.ErrInvalid))
	}
	unlocked := false
	err := c.s.Use(func() error {
		before := c.head.signals.Load()
		if before&removedBit != 0 {
			return robust.ErrRemoved
		}
		err := h.Unlock()
		unlocked = err == nil || errors.Is(err, breezeway.ErrRemoved)
		if err != nil {
			return err
		}
		killpoint.Here("cond unlocked")
		return c.s.Wait(ctx, c.news, nil, func(bool) (bool, error) {
			now := c.head.signals.Load()
			if now&removedBit != 0 {
				return false, robust.ErrRemoved
			}
			return now != before, nil
		})
	})
	err = c.s.Fail(breezeway.OpWait, err)
	if !unlocked {
		return h, err
	}
	ticket, locking := m.Lock(context.WithoutCancel(ctx), nil)
	switch {
	case locking == nil:
		return Held{h.by, ticket}, err
	case err == nil:
		c.s.Touch(func() { c.news.Wake(1) }) // it may have been the only one woken
		return Held{}, locking
	}
	return Held{}, errors.Join(err, locking)
}

// Signal wakes one waiter, if there is one. The others return within 500 ms too, so
// that nothing is lost if that one dies: where many wait for what only one of them
// can have, a [Semaphore] is better. The mutex need not be locked.
func (c *Cond) Signal() error { return c.signal(breezeway.OpSignal, 1) }

// Broadcast wakes all waiters. The mutex need not be locked.
func (c *Cond) Broadcast() error { return c.signal(breezeway.OpBroadcast, wait.All) }

func (c *Cond) signal(op string, n int) error {
	if err := c.check(op); err != nil {
		return err
	}
	err := c.s.Use(func() error {
		if c.head.signals.Add(1)&removedBit != 0 {
			return robust.ErrRemoved
		}
		killpoint.Here("cond signalled")
		c.news.Wake(n)
		return nil
	})
	return c.s.Fail(op, err)
}

// Stats returns how many wait.
func (c *Cond) Stats() (st Stats, err error) {
	if err := c.check(breezeway.OpStat); err != nil {
		return Stats{}, err
	}
	st.Max = -1
	err = c.s.Use(func() error {
		st.Waiters, err = c.s.Waiters()
		return err
	})
	if err != nil {
		return Stats{}, c.s.Fail(breezeway.OpStat, err)
	}
	return st, nil
}

// Name returns the condition's name.
func (c *Cond) Name() string {
	if c == nil || c.s == nil {
		return ""
	}
	return c.s.Name
}

// Created reports whether the call that returned c made the condition.
func (c *Cond) Created() bool { return c != nil && c.s != nil && c.s.Created }

// Close ends this process's use of the condition. Its waiters get [os.ErrClosed].
// Closing again does nothing.
func (c *Cond) Close() error {
	if err := c.check(breezeway.OpClose); err != nil {
		return err
	}
	return c.s.Close()
}
