package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"github.com/breezeway-ipc/breezeway/internal/wait"
)

// Cond is experimental. It is where those wait who hold a [Mutex] and need
// something that the mutex protects to change: what package sync has as a Cond,
// across processes. All use it with the same mutex.
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
	s    *shared
	head *condHead
	news *wait.Gate
}

type condHead struct {
	signals atomic.Uint64 // how many there have been, to one or to all
	news    uint32        // gate
}

const condKind = "cond"

// CreateCond makes the condition name. It fails with [os.ErrExist] if there is one,
// with [os.ErrInvalid] for a bad name, and with [os.ErrPermission] where this user
// may not create.
func CreateCond(name string, cfg *Config) (*Cond, error) { return comeToCond(create, name, cfg) }

// OpenCond opens the condition name. It fails with [os.ErrNotExist] if there is
// none, with [os.ErrPermission] if it is somebody else's whom the access rule
// doesn't admit, and with [breezeway.ErrMismatch], leaving it as it is, if it is
// something else than a condition that this program understands.
func OpenCond(name string, cfg *Config) (*Cond, error) { return comeToCond(open, name, cfg) }

// OpenOrCreateCond opens the condition name or, if there is none, makes it;
// [Cond.Created] tells which.
func OpenOrCreateCond(name string, cfg *Config) (*Cond, error) {
	return comeToCond(openOrCreate, name, cfg)
}

func comeToCond(h how, name string, cfg *Config) (*Cond, error) {
	c, err := newCond(attach(h, condKind, name, cfg, nil))
	if err != nil {
		return nil, failed(condKind, h.String(), name, explain(err, "", "condition", "Cond", name))
	}
	return c, nil
}

// CreateCondAt makes a condition of [Size] bytes in memory that the caller shares.
// It fails with [os.ErrExist] if the first bytes there are not zero.
func CreateCondAt(p Place, cfg *Config) (*Cond, error) { return comeToCondAt(create, p, cfg) }

// OpenCondAt opens the condition that was created in a place. It fails with
// [os.ErrNotExist] if none was, and else as [OpenCond] does.
func OpenCondAt(p Place, cfg *Config) (*Cond, error) { return comeToCondAt(open, p, cfg) }

func comeToCondAt(h how, p Place, cfg *Config) (*Cond, error) {
	c, err := newCond(attachAt(h, condKind, p, cfg, nil))
	if err != nil {
		return nil, failed(condKind, h.String(), p.String(), err)
	}
	return c, nil
}

// RemoveCond removes the condition name. Those who wait there learn it
// ([breezeway.ErrRemoved]). It fails with [os.ErrNotExist] if there is none. On
// Windows it fails with [os.ErrPermission] while a process has it open.
func RemoveCond(name string, cfg *Config) error {
	if err := removeShared(condKind, name, cfg); err != nil {
		return failed(condKind, "remove", name, explain(err, "", "condition", "Cond", name))
	}
	return nil
}

// newCond makes a condition of what attach returned.
func newCond(s *shared, err error) (*Cond, error) {
	if err != nil {
		return nil, err
	}
	c := &Cond{s: s}
	if c.head, err = head[condHead](s); err != nil {
		return nil, err
	}
	if c.news, err = s.gate(&c.head.news); err != nil {
		return nil, err
	}
	return c, s.join(func(*liveness.Member) error { return nil })
}

// Wait unlocks the mutex that h stands for, waits for Signal or Broadcast, and
// locks it again. What happens after Wait has unlocked it doesn't miss. Wait may
// also return without either, so look each time whether there is what you wait
// for.
//
// The Held that it returns is what the caller has from then on, with an error too:
// Wait fails with [context.Cause] if ctx is done, with [os.ErrClosed] if c is
// closed, and with [breezeway.ErrRemoved] within a second of the condition being
// removed, but first it locks the mutex again, for however long that takes. Only
// if it can't, because the mutex was closed, removed or is not recoverable, is the
// Held the zero value. If h is not a Mutex's, or held no more ([os.ErrInvalid]),
// it returns h.
//
// As always when a mutex was locked, somebody may have died holding it meanwhile
// ([Held.Recovered]). Mark it consistent before you Wait again.
func (c *Cond) Wait(ctx context.Context, h Held) (Held, error) {
	m, ok := h.by.(locker)
	if !ok {
		return h, c.s.fail("wait", fmt.Errorf("the Held is not that of a locked Mutex (%w)", os.ErrInvalid))
	}
	unlocked := false
	err := c.s.use(func() error {
		before := c.head.signals.Load()
		if err := h.Unlock(); err != nil {
			return err
		}
		unlocked = true
		killpoint.Here("cond unlocked")
		return c.s.wait(ctx, c.news, nil, func(bool) (bool, error) {
			return c.head.signals.Load() != before, nil
		})
	})
	if err != nil {
		err = c.s.fail("wait", err)
	}
	if !unlocked {
		return h, err
	}
	h, locking := m.lock(context.WithoutCancel(ctx), nil)
	switch {
	case locking == nil:
		return h, err
	case err == nil:
		return h, locking
	}
	return h, errors.Join(err, locking)
}

// Signal wakes one who waits, if anybody does. It wakes others too, sooner or
// later, so that nothing is lost if that one dies: where many wait for something
// that one at a time can have, a [Semaphore] is better. The mutex need not be
// locked.
func (c *Cond) Signal() error { return c.signal("signal", 1) }

// Broadcast wakes all who wait. The mutex need not be locked.
func (c *Cond) Broadcast() error { return c.signal("broadcast", wait.All) }

func (c *Cond) signal(op string, n int) error {
	err := c.s.use(func() error {
		c.head.signals.Add(1)
		killpoint.Here("cond signalled")
		c.news.Wake(n)
		return nil
	})
	if err != nil {
		return c.s.fail(op, err)
	}
	return nil
}

// Stats tells how many wait.
func (c *Cond) Stats() (st Stats, err error) {
	st.Max = -1
	err = c.s.use(func() error {
		st.Waiters, err = c.s.waiters()
		return err
	})
	if err != nil {
		return Stats{}, c.s.fail("stat", err)
	}
	return st, nil
}

// Name returns the condition's name.
func (c *Cond) Name() string { return c.s.name }

// Created reports whether the call that returned c made the condition.
func (c *Cond) Created() bool { return c.s.created }

// Close ends this process's use of the condition: those of it who wait get
// [os.ErrClosed]. Closing again does nothing.
func (c *Cond) Close() error { return c.s.Close() }
