package ipcsync

import "context"

// Event is a flag that processes wait for until somebody sets it. One with
// Config.ManualReset then lets everybody through until it is reset: it says that
// something has happened. One without lets one waiter through and resets itself
// by that: it says that there is something to do, for one. Setting it again
// before somebody came through changes nothing; what has to be counted needs a
// [Semaphore].
//
// All methods may be called concurrently.
//
// On Linux it is the object bw.event.NAME (docs/formats.md). On Windows it is the
// kernel's event NAME, which .NET has as System.Threading.EventWaitHandle.
type Event struct {
	flag
	name    string
	created bool
}

// flag is what an [Event] stands on.
type flag interface {
	wait(context.Context, *claim) error
	tryWait() (bool, error)
	set() error
	reset() error
	resetsByHand() bool
	stats() (Stats, error)
	Close() error
}

const eventKind = "event"

// CreateEvent makes the event name, which is not set. It fails with [os.ErrExist]
// if there is one, with [os.ErrInvalid] for a bad name, and with
// [os.ErrPermission] where this user may not create.
func CreateEvent(name string, cfg *Config) (*Event, error) { return comeToEvent(create, name, cfg) }

// OpenEvent opens the event name, which resets itself or not as its creator said.
// It fails with [os.ErrNotExist] if there is none, with [os.ErrPermission] if it
// is somebody else's whom the access rule doesn't admit, and with
// [breezeway.ErrMismatch], leaving it as it is, if it is something else than an
// event that this program understands.
func OpenEvent(name string, cfg *Config) (*Event, error) { return comeToEvent(open, name, cfg) }

// OpenOrCreateEvent opens the event name or, if there is none, makes it;
// [Event.Created] tells which.
func OpenOrCreateEvent(name string, cfg *Config) (*Event, error) {
	return comeToEvent(openOrCreate, name, cfg)
}

func comeToEvent(h how, name string, cfg *Config) (*Event, error) {
	e, err := newEvent(h, name, cfg)
	if err != nil {
		return nil, failed(eventKind, h.String(), name, explain(err, "event", "event", "Event", name))
	}
	return e, nil
}

// CreateEventAt makes an event of [Size] bytes in memory that the caller shares.
// It fails with [os.ErrExist] if the first bytes there are not zero.
func CreateEventAt(p Place, cfg *Config) (*Event, error) { return comeToEventAt(create, p, cfg) }

// OpenEventAt opens the event that was created in a place. It fails with
// [os.ErrNotExist] if none was, and else as [OpenEvent] does.
func OpenEventAt(p Place, cfg *Config) (*Event, error) { return comeToEventAt(open, p, cfg) }

func comeToEventAt(h how, p Place, cfg *Config) (*Event, error) {
	e, err := newOwnEvent(attachAt(h, eventKind, p, cfg, fillEvent(cfg)))
	if err != nil {
		return nil, failed(eventKind, h.String(), p.String(), err)
	}
	return &Event{e, e.name, e.created}, nil
}

// RemoveEvent removes the event name. Those who wait for it learn it
// ([breezeway.ErrRemoved]). It fails with [os.ErrNotExist] if there is none. On
// Windows an event goes with its last handle; RemoveEvent fails with
// [errors.ErrUnsupported].
func RemoveEvent(name string, cfg *Config) error {
	if err := removeEvent(name, cfg); err != nil {
		return failed(eventKind, "remove", name, explain(err, "event", "event", "Event", name))
	}
	return nil
}

// Wait waits until the event is set; unless it is reset by hand, Wait resets it.
//
// It fails with [context.Cause] within 10 ms of ctx being done, with
// [os.ErrClosed] after Close, and with [breezeway.ErrRemoved] within a second of
// the event being removed; then it has reset nothing. If the event is set it
// succeeds even if ctx is done.
//
// A process that dies just after its Wait has reset the event takes that with
// it: nobody else is let through for it.
func (e *Event) Wait(ctx context.Context) error { return e.wait(ctx, nil) }

// TryWait reports whether the event is set and, unless it is reset by hand,
// resets it. It never waits.
func (e *Event) TryWait() (ok bool, err error) { return e.tryWait() }

// Set sets the event: one waiter is let through, now or when one comes, or with
// Config.ManualReset all who wait and who come until Reset.
func (e *Event) Set() error { return e.set() }

// Reset makes the event not set. With Config.ManualReset those who were waiting
// when it was set are let through all the same, however soon that is; on Windows
// that is so only in a [Place].
func (e *Event) Reset() error { return e.reset() }

// Manual reports whether the event stays set until Reset, as its creator's
// Config.ManualReset said.
func (e *Event) Manual() bool { return e.resetsByHand() }

// Stats tells whether the event is set and how many wait; the latter is not known
// of a named event on Windows.
func (e *Event) Stats() (Stats, error) { return e.stats() }

// Name returns the event's name.
func (e *Event) Name() string { return e.name }

// Created reports whether the call that returned e made the event.
func (e *Event) Created() bool { return e.created }

// Close ends this process's use of the event: those of it who wait get
// [os.ErrClosed]. Closing again does nothing.
func (e *Event) Close() error { return e.flag.Close() }
