package ipcsync

import (
	"io"
	"syscall"
	"testing"

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

// Bytes that another process takes away are an error, and no crash.
func TestEventTruncated(t *testing.T) {
	e := newTestEvent(t, &Config{Mode: 0o666})
	done := make(chan error)
	go func() { done <- e.Wait(t.Context()) }()
	awaitWaiters(t, e, 1)
	if err := e.event.(*sharedEvent).File().Truncate(0); err != nil {
		t.Fatal(err)
	}
	ipctest.WantError(t, <-done, io.ErrUnexpectedEOF)
	ipctest.WantError(t, e.Set(), io.ErrUnexpectedEOF)
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
