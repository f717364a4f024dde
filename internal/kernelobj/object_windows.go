package kernelobj

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/wait"
	"golang.org/x/sys/windows"
)

// Object is a handle of a semaphore or an event that goroutines use until it is
// closed. All methods may be called concurrently.
type Object struct {
	handle windows.Handle
	turn   chan struct{} // has an element while a goroutine waits in the kernel; served in the order of arrival
	closed chan struct{} // closed by Close

	mu       sync.Mutex     // orders users.Add before closing closed
	users    sync.WaitGroup // calls that use the handle
	closing  sync.Once
	closeErr error
}

// NewObject returns an Object that owns the handle h.
func NewObject(h windows.Handle) *Object {
	return &Object{handle: h, turn: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Use calls f with the handle, which stays open until f has returned. It fails with
// [os.ErrClosed] after Close.
func (o *Object) Use(f func(h windows.Handle) error) error {
	if !o.enter() {
		return os.ErrClosed
	}
	defer o.users.Done()
	return f(o.handle)
}

// enter counts a user, and reports whether the object is open.
func (o *Object) enter() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-o.closed:
		return false
	default:
		o.users.Add(1)
		return true
	}
}

// TryWait reports whether the object was signaled, and then has taken what such a
// wait takes.
func (o *Object) TryWait() (ok bool, err error) {
	err = o.Use(func(h windows.Handle) error {
		ok, err = wait.TryHandle(h)
		return err
	})
	return ok, err
}

// Wait waits until the object is signaled. It fails with [context.Cause] when ctx
// is done, with [os.ErrClosed] after Close, and with [robust.ErrTaken] if another
// wait of the claim has succeeded. With an error it has taken nothing: what the
// kernel gave it nevertheless it gives back by giveBack.
func (o *Object) Wait(ctx context.Context, c *robust.Claim, giveBack func(h windows.Handle) error) error {
	return o.Use(func(h windows.Handle) error {
		if ok, err := c.Take(func() (bool, error) { return wait.TryHandle(h) }); ok || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case o.turn <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-o.closed:
			return os.ErrClosed
		}
		defer func() { <-o.turn }()
		if err := wait.Handle(ctx, o.closed, h); err != nil {
			return err
		}
		if _, err := c.Take(func() (bool, error) { return true, nil }); err != nil {
			return errors.Join(err, giveBack(h))
		}
		return nil
	})
}

// Close ends the waits with [os.ErrClosed], and then closes the handle. Closing
// again does nothing.
func (o *Object) Close() error {
	o.closing.Do(func() {
		o.mu.Lock()
		close(o.closed)
		o.mu.Unlock()
		o.users.Wait()
		o.closeErr = os.NewSyscallError("CloseHandle", windows.CloseHandle(o.handle))
	})
	return o.closeErr
}
