package ipcsync

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sys/windows"
)

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
