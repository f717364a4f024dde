package ipcsync

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelEvent is an event of the kernel.
type kernelEvent struct {
	object *kernelobj.Object
	name   string
	manual bool
	order
}

func newEvent(h how, name string, cfg *Config) (*Event, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	if err := breezeway.CheckName(name); err != nil {
		return nil, err
	}
	full := kernelobj.Name(name, s.Scope)
	createEvent := func() (*Event, error) {
		h, err := kernelobj.CreateEvent(full, s.ManualReset, s.access)
		if err != nil {
			return nil, err
		}
		return newKernelEvent(h, name, true, s.ManualReset), nil
	}
	openEvent := func() (*Event, error) {
		h, manual, err := kernelobj.OpenEvent(full, s.access)
		if err != nil {
			return nil, err
		}
		return newKernelEvent(h, name, false, manual), nil
	}
	switch h {
	case create:
		return createEvent()
	case open:
		return openEvent()
	}
	return kernelobj.OpenOrCreate(openEvent, createEvent)
}

func newKernelEvent(h windows.Handle, name string, created, manual bool) *Event {
	return &Event{&kernelEvent{object: kernelobj.NewObject(h), name: name, manual: manual}, name, created}
}

func removeEvent(name string, cfg *Config) error {
	if _, err := cfg.settings(); err != nil {
		return err
	}
	if err := breezeway.CheckName(name); err != nil {
		return err
	}
	return fmt.Errorf("an event on Windows goes with its last handle: close it in all processes (%w)", errors.ErrUnsupported)
}

func (e *kernelEvent) wait(ctx context.Context, c *claim) error {
	err := e.object.Wait(ctx, c, func(h windows.Handle) error {
		if e.manual {
			return nil // nothing was taken
		}
		return windows.SetEvent(h)
	})
	if err != nil {
		return failed(eventKind, "wait", e.name, err)
	}
	e.acquired()
	return nil
}

func (e *kernelEvent) tryWait() (bool, error) {
	ok, err := e.object.TryWait()
	if ok {
		e.acquired()
	}
	return ok, failed(eventKind, "wait", e.name, err)
}

func (e *kernelEvent) set() error {
	e.released()
	return failed(eventKind, "set", e.name, e.object.Use(windows.SetEvent))
}

func (e *kernelEvent) reset() error {
	return failed(eventKind, "reset", e.name, e.object.Use(windows.ResetEvent))
}

func (e *kernelEvent) resetsByHand() bool { return e.manual }

func (e *kernelEvent) stats() (Stats, error) {
	st := Stats{Max: -1, Waiters: -1}
	err := e.object.Use(func(h windows.Handle) error {
		_, set, err := sys.QueryEvent(h)
		if set {
			st.Value = 1
		}
		return err
	})
	if err != nil {
		return Stats{}, failed(eventKind, "stat", e.name, err)
	}
	return st, nil
}

func (e *kernelEvent) Close() error {
	return failed(eventKind, "close", e.name, e.object.Close())
}
