package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// kernelName says in which namespace the name of a kernel object is.
func kernelName(name string, scope breezeway.Scope) string {
	if scope == breezeway.Machine {
		return `Global\` + name
	}
	return `Local\` + name
}

// explainKernel says what is in the way of creating or opening a kernel object.
// what is what it should be.
func explainKernel(err error, what string, scope breezeway.Scope) error {
	switch {
	case errors.Is(err, windows.ERROR_INVALID_HANDLE):
		return fmt.Errorf("the name is that of another kind of object than a %s: segments, semaphores, mutexes, events and timers share one namespace (%w): %w",
			what, breezeway.ErrMismatch, err)
	case errors.Is(err, fs.ErrPermission) && scope == breezeway.Machine:
		return fmt.Errorf("another user's, or this user lacks the privilege to create global objects, SeCreateGlobalPrivilege, which services and administrators have (%w)", err)
	}
	return err
}

// admitOwner refuses a kernel object that belongs to somebody whom the rule doesn't
// admit.
func admitOwner(h windows.Handle, a breezeway.Access) error {
	owner, err := sys.OwnerOf(h, windows.SE_KERNEL_OBJECT)
	if err == nil {
		if err = a.Admit(owner); err != nil {
			err = fmt.Errorf("it belongs to %s: %w", owner.User(), err)
		}
	}
	return err
}

// kernelObject is a handle that goroutines use until it is closed.
type kernelObject struct {
	h    windows.Handle
	turn chan struct{} // has an element while somebody waits in the kernel; first come, first served
	shut chan struct{} // closed by close

	mu     sync.Mutex
	closed bool
	users  sync.WaitGroup
}

func newKernelObject(h windows.Handle) *kernelObject {
	return &kernelObject{h: h, turn: make(chan struct{}, 1), shut: make(chan struct{})}
}

// use calls f with the handle, which stays open meanwhile.
func (o *kernelObject) use(f func(h windows.Handle) error) error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return os.ErrClosed
	}
	o.users.Add(1)
	o.mu.Unlock()
	defer o.users.Done()
	return f(o.h)
}

// tryWait reports whether the object was signaled, and then has taken what such a
// wait takes.
func (o *kernelObject) tryWait() (ok bool, err error) {
	err = o.use(func(h windows.Handle) error {
		ok, err = look(h)
		return err
	})
	return ok, err
}

// wait waits until the object is signaled. With an error it has taken nothing: what
// the kernel took for it when another wait of the claim was faster, giveBack gives
// back.
//
// Of those who wait for the object in this process only the first waits in the
// kernel, so that it costs a place in a [bed] only once.
func (o *kernelObject) wait(ctx context.Context, c *claim, giveBack func(h windows.Handle) error) error {
	return o.use(func(h windows.Handle) error {
		if ok, err := c.take(func() (bool, error) { return look(h) }); ok || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case o.turn <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-o.shut:
			return os.ErrClosed
		}
		defer func() { <-o.turn }()
		return kernelWait(ctx, o.shut, h, c, giveBack)
	})
}

// close ends the waits, with os.ErrClosed, and then closes the handle. It is called
// once.
func (o *kernelObject) close() error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	close(o.shut)
	o.users.Wait()
	return os.NewSyscallError("CloseHandle", windows.CloseHandle(o.h))
}
