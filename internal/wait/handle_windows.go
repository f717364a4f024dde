package wait

import (
	"context"
	"math"
	"os"
	"sync"

	"golang.org/x/sys/windows"
)

// Handle waits on a shared thread until the kernel object h is signaled. nil means
// that the wait has taken what such a wait takes: a permit of a semaphore, or the
// signal of an event that resets itself. Handle fails with [context.Cause] when ctx
// is done, and with [os.ErrClosed] when closed is closed; then it has taken nothing.
//
// Preconditions:
//   - h stays open until Handle returns;
//   - h is no mutex, which would belong to the shared thread.
func Handle(ctx context.Context, closed <-chan struct{}, h windows.Handle) error {
	e := &waitEntry{systemEntry: systemEntry{h}, until: math.MaxInt64, returned: make(chan struct{}, 1)}
	for {
		s, err := parkShared(e)
		if err != nil {
			return err
		}
		select {
		case <-e.returned:
		case <-ctx.Done():
			s.cancel(e)
			<-e.returned
		case <-closed:
			s.cancel(e)
			<-e.returned
		}
		if e.woken {
			return nil // even if the context is done, or the object closed
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case <-closed:
			return os.ErrClosed
		default:
		}
		// The thread's wait failed, for this object or another one.
		if ok, err := TryHandle(h); ok || err != nil {
			return err
		}
	}
}

// polling serializes TryHandle: where the call is slow, as under Wine, the runtime
// would start a thread for each goroutine in it.
var polling sync.Mutex

// TryHandle reports whether the kernel object h was signaled, and then has taken
// what a wait takes.
func TryHandle(h windows.Handle) (bool, error) {
	polling.Lock()
	defer polling.Unlock()
	event, err := windows.WaitForSingleObject(h, 0)
	if err != nil {
		return false, os.NewSyscallError("WaitForSingleObject", err)
	}
	return event == windows.WAIT_OBJECT_0, nil
}
