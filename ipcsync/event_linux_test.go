package ipcsync

import (
	"context"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestEventAllocatesNothing(t *testing.T) {
	for _, cfg := range []*Config{nil, {ManualReset: true}} {
		e := newTestEvent(t, cfg)
		if n := testing.AllocsPerRun(100, func() {
			err := e.Set()
			if err == nil {
				err = e.Wait(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func TestEventRemoved(t *testing.T) {
	e := newTestEvent(t, nil)
	p := ipctest.Start(t, eventUser, "named", e.Name())
	p.Expect("opened false")
	tellToWait(t, p, 1)
	done := make(chan error)
	go func() { done <- e.Wait(t.Context()) }()
	awaitWaiters(t, e, 2)
	if err := Remove(KindEvent, e.Name(), nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	wantError(t, <-done, breezeway.ErrRemoved)
	p.Hear() // the same
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	wantError(t, e.Wait(t.Context()), breezeway.ErrRemoved)
	mustSet(t, e) // by those who have it, it can be used
	wantSet(t, e, true)
	wantError(t, Remove(KindEvent, e.Name(), nil), os.ErrNotExist)
}

// Bytes that another process takes away are an error, and no crash.
func TestEventTruncated(t *testing.T) {
	e := newTestEvent(t, &Config{Mode: 0o666})
	done := make(chan error)
	go func() { done <- e.Wait(t.Context()) }()
	awaitWaiters(t, e, 1)
	if err := e.event.(*sharedEvent).File().Truncate(0); err != nil {
		t.Fatal(err)
	}
	wantError(t, <-done, io.ErrUnexpectedEOF)
	wantError(t, e.Set(), io.ErrUnexpectedEOF)
}

// A wake-up that was spent on a process that does nothing with it keeps nobody
// else from what it announced.
func TestEventWakeOfTheStopped(t *testing.T) {
	e := newTestEvent(t, nil)
	p := ipctest.Start(t, eventUser, "named", e.Name())
	p.Expect("opened false")
	tellToWait(t, p, 1)
	p.Process.Signal(syscall.SIGSTOP)
	done := make(chan error)
	go func() { done <- e.Wait(context.Background()) }()
	awaitWaiters(t, e, 2)
	start := time.Now()
	mustSet(t, e)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > 200*time.Millisecond*slack/2 {
		t.Errorf("it took %v", d)
	}
	p.Process.Signal(syscall.SIGCONT)
	mustSet(t, e)
	p.Expect("through <nil>")
}

// Signals that interrupt system calls end no wait.
func TestEventInterrupted(t *testing.T) {
	e := newTestEvent(t, nil)
	p := ipctest.Start(t, eventUser, "named", e.Name())
	p.Expect("opened false")
	tellToWait(t, p, 1)
	for range ipctest.Count(2000) {
		p.Process.Signal(syscall.SIGURG) // which the Go runtime handles
	}
	awaitWaiters(t, e, 1)
	mustSet(t, e)
	p.Expect("through <nil>")
}
