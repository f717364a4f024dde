package overlapped

import (
	"net"
	"os"
	"runtime"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// Flush waits until the other end of the pipe has read what was written. It
// fails with ERROR_OPERATION_ABORTED once stop is closed, with [net.ErrClosed]
// after Close, and with ERROR_BROKEN_PIPE if the other end closes meanwhile.
// One that had closed before counts as having read everything.
//
// The system call blocks even on a handle opened for overlapped I/O, so it has
// a thread to itself.
func (f *File) Flush(stop <-chan struct{}) error {
	if err := f.acquire(); err != nil {
		return err
	}
	defer f.release()
	c := flushCall{thread: make(chan windows.Handle), done: make(chan error), left: make(chan struct{})}
	go c.run(f.handle)
	thread, ok := <-c.thread
	if !ok {
		return <-c.done
	}
	defer windows.CloseHandle(thread)
	defer close(c.left)

	select {
	case err := <-c.done:
		return err
	case <-stop:
		return c.cancel(thread)
	case <-f.closed:
		c.cancel(thread)
		return net.ErrClosed
	}
}

// flushCall is one FlushFileBuffers on a thread of its own.
type flushCall struct {
	thread chan windows.Handle // its handle; closed if there is none
	done   chan error
	left   chan struct{} // closed when no cancellation can come any more
}

func (c *flushCall) run(h windows.Handle) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var thread windows.Handle
	self := windows.CurrentProcess()
	err := windows.DuplicateHandle(self, windows.CurrentThread(), self, &thread, 0, false, windows.DUPLICATE_SAME_ACCESS)
	if err != nil {
		close(c.thread)
		c.done <- os.NewSyscallError("DuplicateHandle", err)
		return
	}
	c.thread <- thread
	c.done <- windows.FlushFileBuffers(h)
	<-c.left // a late cancellation must not meet another call of this thread
}

// cancel ends the call and returns its result. The call may not have begun, in
// which case there is nothing to cancel yet.
func (c *flushCall) cancel(thread windows.Handle) error {
	for {
		sys.CancelSynchronousIO(thread)
		select {
		case err := <-c.done:
			return err
		case <-time.After(time.Millisecond):
		}
	}
}
