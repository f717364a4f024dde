package ipcsync

import (
	"context"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/kernelobj"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelEvent is an event of the kernel.
type kernelEvent struct {
	object *kernelobj.Object
	name   string
	manual bool
	order  robust.Order
}

// newEvent opens the kernel's event with a name, or one of our own layout in a place.
func newEvent(mode robust.OpenMode, name string, s *settings) (*Event, error) {
	if s.At.isSet() {
		return newSharedEvent(mode, name, s)
	}
	full := kernelobj.Name(name, s.Scope)
	create := func() (*Event, error) {
		h, err := kernelobj.CreateEvent(full, s.ManualReset, s.access)
		if err != nil {
			return nil, err
		}
		return newKernelEvent(h, name, true, s.ManualReset), nil
	}
	open := func() (*Event, error) {
		h, manual, err := kernelobj.OpenEvent(full, s.access)
		if err != nil {
			return nil, err
		}
		return newKernelEvent(h, name, false, manual), nil
	}
	return openKernels(mode, open, create)
}

func newKernelEvent(h windows.Handle, name string, created, manual bool) *Event {
	return &Event{&kernelEvent{object: kernelobj.NewObject(h), name: name, manual: manual}, name, created}
}

func (e *kernelEvent) Wait(ctx context.Context, c *robust.Claim) error {
	err := e.object.Wait(ctx, c, func(h windows.Handle) error {
		if e.manual {
			return nil // nothing was taken
		}
		return windows.SetEvent(h)
	})
	if err != nil {
		return KindEvent.fail(breezeway.OpWait, e.name, err)
	}
	e.order.Acquired()
	return nil
}

func (e *kernelEvent) TryWait() (bool, error) {
	ok, err := e.object.TryWait()
	if ok {
		e.order.Acquired()
	}
	return ok, KindEvent.fail(breezeway.OpWait, e.name, err)
}

func (e *kernelEvent) Set() error {
	e.order.Released()
	return KindEvent.fail(breezeway.OpSet, e.name, e.object.Use(windows.SetEvent))
}

func (e *kernelEvent) Reset() error {
	return KindEvent.fail(breezeway.OpReset, e.name, e.object.Use(windows.ResetEvent))
}

func (e *kernelEvent) Manual() bool { return e.manual }

func (e *kernelEvent) Stats() (Stats, error) {
	st := Stats{Max: -1, Waiters: -1}
	err := e.object.Use(func(h windows.Handle) error {
		_, set, err := sys.QueryEvent(h)
		if set {
			st.Value = 1
		}
		return err
	})
	if err != nil {
		return Stats{}, KindEvent.fail(breezeway.OpStat, e.name, err)
	}
	return st, nil
}

func (e *kernelEvent) Close() error {
	return KindEvent.fail(breezeway.OpClose, e.name, e.object.Close())
}
