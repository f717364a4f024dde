package kernelobj

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway/internal/wait"
	"golang.org/x/sys/windows"
)

// Object is a handle of a semaphore or an event that goroutines use until it is
// closed. All methods may be called concurrently.
type Object struct {
	handle windows.Handle
	turn   chan struct{} // has an element while a goroutine waits in the kernel; first come, first served
	closed chan struct{} // closed by Close

	mu       sync.Mutex // for closing and users
	closing  bool
	users    sync.WaitGroup
	once     sync.Once
	closeErr error
}

// NewObject returns an Object that owns the handle h.
func NewObject(h windows.Handle) *Object {
	return &Object{handle: h, turn: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Use calls f with the handle, which stays open until f has returned. It fails with
// [os.ErrClosed] after Close.
func (o *Object) Use(f func(h windows.Handle) error) error {
	o.mu.Lock()
	if o.closing {
		o.mu.Unlock()
		return os.ErrClosed
	}
	o.users.Add(1)
	o.mu.Unlock()
	defer o.users.Done()
	return f(o.handle)
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
// is done, with [os.ErrClosed] after Close, and with the error of the claim. With
// an error it has taken nothing: if the kernel gave it something after another wait
// of the claim had succeeded, it calls giveBack.
func (o *Object) Wait(ctx context.Context, c Claim, giveBack func(h windows.Handle) error) error {
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
	o.once.Do(func() {
		o.mu.Lock()
		o.closing = true
		o.mu.Unlock()
		close(o.closed)
		o.users.Wait()
		o.closeErr = os.NewSyscallError("CloseHandle", windows.CloseHandle(o.handle))
	})
	return o.closeErr
}
