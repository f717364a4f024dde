package overlapped

import (
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

// direction is the reading or the writing half of a File.
type direction struct {
	turn sync.Mutex // held for the whole of an operation
	op   operation

	// mu is held while an operation is being started, so that a cancellation
	// finds it either not begun or pending.
	mu        sync.Mutex
	pending   bool
	halted    error // why no operation may begin
	cancelled error // why the pending one was cancelled
	timer     *time.Timer
}

// operation is what the system works on while an operation is pending.
type operation struct {
	overlapped windows.Overlapped // first: the completion port hands back its address
	pins       runtime.Pinner
	done       chan struct{}
	begun      uint32 // what the starting call has transferred already
	n          uint32
	err        error
}

// halt keeps operations from beginning and cancels the pending one. The caller
// holds d.mu. A pending operation keeps h open.
func (d *direction) halt(h windows.Handle, why error) {
	d.halted = why
	if d.pending {
		d.cancelled = why
		// It fails if the operation has ended by itself: its result counts.
		windows.CancelIoEx(h, &d.op.overlapped)
	}
}

func (d *direction) setDeadline(h windows.Handle, t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.halted == net.ErrClosed {
		return net.ErrClosed
	}
	d.stopTimer()
	d.halted = nil
	if t.IsZero() {
		return nil
	}
	left := time.Until(t)
	if left <= 0 {
		d.halt(h, os.ErrDeadlineExceeded)
		return nil
	}
	var timer *time.Timer
	timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer == timer { // not moved since
			d.halt(h, os.ErrDeadlineExceeded)
		}
	})
	d.timer = timer
	return nil
}

func (d *direction) stopTimer() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
