package mq

import (
	"context"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// interrupter is the signal that Go interrupts threads by, for which it always has a
// handler. The kernel's queues end a wait with EINTR for any signal that has one, even
// if other calls are restarted.
const interrupter = unix.SIGURG

// interruptible makes a call that sleeps in the kernel, and ends it when ctx is done or
// the channel is closed. What the call has done by then counts: its success is returned.
//
// The signal may come before the call has begun to sleep, and is then lost. So it is sent
// again and again, until the call has returned.
func interruptible(ctx context.Context, closed <-chan struct{}, call func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := unix.Gettid()
	returned, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
		case <-closed:
		case <-returned:
			return
		}
		again := time.NewTicker(time.Millisecond)
		defer again.Stop()
		for {
			unix.Tgkill(os.Getpid(), thread, interrupter)
			select {
			case <-returned:
				return
			case <-again.C:
			}
		}
	}()
	// The thread is this call's until the other goroutine has ended: no other's sleep is
	// disturbed.
	defer func() {
		close(returned)
		<-ended
	}()
	for {
		switch err := call(); {
		case err != unix.EINTR:
			return err
		case isDone(closed):
			return os.ErrClosed
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}
