package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelEvent is an event of the kernel.
type kernelEvent struct {
	*kernelObject
	name   string
	manual bool

	closing  sync.Once
	closeErr error

	order
}

func newEvent(h how, name string, cfg *Config) (e *Event, err error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	if err := breezeway.CheckName(name); err != nil {
		return nil, err
	}
	switch h {
	case create:
		return createEvent(name, &s)
	case open:
		return openEvent(name, &s)
	}
	const tries = 100 // the last handle may be closed between the two
	for range tries {
		if e, err = openEvent(name, &s); !errors.Is(err, fs.ErrNotExist) {
			return e, err
		}
		if e, err = createEvent(name, &s); !errors.Is(err, fs.ErrExist) {
			return e, err
		}
	}
	return nil, err
}

func createEvent(name string, s *settings) (*Event, error) {
	security, err := s.access.SecurityAttributes(sys.EventRights)
	if err != nil {
		return nil, err
	}
	h, err := sys.CreateEvent(kernelName(name, s.Scope), s.ManualReset, security)
	if err != nil {
		return nil, explainKernel(err, "event")
	}
	return kernelEventOf(h, name, true, s.ManualReset), nil
}

func openEvent(name string, s *settings) (*Event, error) {
	h, err := sys.OpenEvent(kernelName(name, s.Scope))
	if err != nil {
		return nil, explainKernel(err, "event")
	}
	manual := false
	if err = admitOwner(h, s.access); err == nil {
		manual, _, err = sys.QueryEvent(h)
	}
	if err != nil {
		windows.CloseHandle(h)
		return nil, err
	}
	return kernelEventOf(h, name, false, manual), nil
}

func kernelEventOf(h windows.Handle, name string, created, manual bool) *Event {
	return &Event{&kernelEvent{kernelObject: newKernelObject(h), name: name, manual: manual}, name, created}
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
	err := e.kernelObject.wait(ctx, c, func(h windows.Handle) error {
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
	ok, err := e.kernelObject.tryWait()
	if ok {
		e.acquired()
	}
	return ok, failed(eventKind, "wait", e.name, err)
}

func (e *kernelEvent) set() error {
	e.released()
	return failed(eventKind, "set", e.name, e.use(windows.SetEvent))
}

func (e *kernelEvent) reset() error {
	return failed(eventKind, "reset", e.name, e.use(windows.ResetEvent))
}

func (e *kernelEvent) resetsByHand() bool { return e.manual }

func (e *kernelEvent) stats() (Stats, error) {
	st := Stats{Max: -1, Waiters: -1}
	err := e.use(func(h windows.Handle) error {
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
	e.closing.Do(func() { e.closeErr = failed(eventKind, "close", e.name, e.close()) })
	return e.closeErr
}
