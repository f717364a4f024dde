package ipcsync

import (
	"context"
	"fmt"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Event is a flag that processes wait for. With Config.ManualReset a set event lets
// every wait through until it is reset: it says that something has happened. Without
// it a set event lets one wait through, which resets it: it says that there is
// something to do, for one process. Setting it again before that changes nothing;
// what has to be counted needs a [Semaphore].
//
// All methods may be called concurrently.
//
// On Linux it is the object bw.event.NAME (docs/formats.md). On Windows it is the
// kernel's event NAME, which .NET has as System.Threading.EventWaitHandle.
type Event struct {
	event   flag
	name    string
	created bool
}

// flag is what an [Event] is made of.
type flag interface {
	Wait(context.Context, *robust.Claim) error
	TryWait() (bool, error)
	Set() error
	Reset() error
	Manual() bool
	Stats() (Stats, error)
	Close() error
}

// CreateEvent makes the event name, which is not set. It fails with [os.ErrExist]
// if there is one, with [os.ErrInvalid] for a bad name, and with
// [os.ErrPermission] where this user may not create.
func CreateEvent(name string, cfg *Config) (*Event, error) {
	return openEvent(robust.Create, name, cfg)
}

// OpenEvent opens the event name. It resets itself, or not, as its creator said.
// It fails with [os.ErrNotExist] if there is none, with [os.ErrPermission] if it
// belongs to a user that Config.Trust doesn't name, and with
// [breezeway.ErrMismatch], leaving it as it is, if it is something else than an
// event that this program understands.
func OpenEvent(name string, cfg *Config) (*Event, error) { return openEvent(robust.Open, name, cfg) }

// OpenOrCreateEvent opens the event name or, if there is none, makes it;
// [Event.Created] tells which. It fails with [breezeway.ErrMismatch] if there is
// one whose Config.ManualReset is another.
func OpenOrCreateEvent(name string, cfg *Config) (*Event, error) {
	return openEvent(robust.OpenOrCreate, name, cfg)
}

func openEvent(mode robust.OpenMode, name string, cfg *Config) (*Event, error) {
	return openAs(KindEvent, mode, name, cfg, func(s *settings) (*Event, error) {
		e, err := newEvent(mode, name, s)
		if err == nil && mode == robust.OpenOrCreate && e.Manual() != s.ManualReset {
			e.Close()
			return nil, fmt.Errorf("its %s is %v, not %v (%w)", fail.Go("Config.ManualReset"), e.Manual(), s.ManualReset, breezeway.ErrMismatch)
		}
		return e, err
	})
}

// flag returns what e is made of.
func (e *Event) flag() flag {
	if e == nil || e.event == nil {
		return unopenedEvent{unopened{KindEvent}}
	}
	return e.event
}

// Wait waits until the event is set. Unless it has Config.ManualReset, Wait resets it.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [os.ErrClosed] after Close, and with [breezeway.ErrRemoved] once the event
// was removed; see [Remove]. With an error it has reset nothing. If the event is set,
// Wait succeeds even if ctx is done.
//
// If a process dies just after its Wait has reset the event, no other wait is let
// through instead.
func (e *Event) Wait(ctx context.Context) error { return e.flag().Wait(ctx, nil) }

// TryWait reports whether the event is set, and resets it as Wait does. It never
// waits.
func (e *Event) TryWait() (ok bool, err error) { return e.flag().TryWait() }

// Set sets the event. It lets one wait through, now or when one comes; with
// Config.ManualReset it lets all waits through, now and until Reset.
func (e *Event) Set() error { return e.flag().Set() }

// Reset makes the event not set. With Config.ManualReset, waits that were under way
// when it was set are let through even if Reset follows at once; on Windows only for
// an event in a [Place].
func (e *Event) Reset() error { return e.flag().Reset() }

// Manual reports whether the event stays set until Reset, as its creator's
// Config.ManualReset said.
func (e *Event) Manual() bool { return e.flag().Manual() }

// Waiter is for [WaitAny], which waits for the event.
func (e *Event) Waiter() robust.Waiter { return eventWaiter{e} }

type eventWaiter struct{ e *Event }

func (w eventWaiter) Wait(ctx context.Context, c *robust.Claim) (any, error) {
	return nil, w.e.flag().Wait(ctx, c)
}

func (w eventWaiter) Try() (any, bool, error) { return nothingTaken(w.e.TryWait()) }

// Stats returns whether the event is set and how many wait. The latter is -1 for a
// named event on Windows.
func (e *Event) Stats() (Stats, error) { return e.flag().Stats() }

// Name returns the event's name.
func (e *Event) Name() string {
	if e == nil {
		return ""
	}
	return e.name
}

// Created reports whether the call that returned e made the event.
func (e *Event) Created() bool { return e != nil && e.created }

// Close ends this process's use of the event. Its waiters get [os.ErrClosed]. Closing
// again does nothing.
func (e *Event) Close() error { return e.flag().Close() }

// unopenedEvent is what a zero Event is made of.
type unopenedEvent struct{ unopened }

func (u unopenedEvent) Wait(context.Context, *robust.Claim) error { return u.fail(breezeway.OpWait) }
func (u unopenedEvent) TryWait() (bool, error)                    { return false, u.fail(breezeway.OpWait) }
func (u unopenedEvent) Set() error                                { return u.fail(breezeway.OpSet) }
func (u unopenedEvent) Reset() error                              { return u.fail(breezeway.OpReset) }
func (u unopenedEvent) Manual() bool                              { return false }
