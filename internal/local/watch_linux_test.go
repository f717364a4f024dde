package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// listenerProcess listens where it is told, and stops when told to.
var listenerProcess = ipctest.Helper("listener", func(c *ipctest.Control) error {
	for {
		l, err := Listen(c.Hear(), 0o600)
		if err != nil {
			return err
		}
		c.Hear()
		if err := l.Close(); err != nil {
			return err
		}
		c.Say("closed")
	}
})

// With pauses of an hour only the event wakes the waiter, and another file's
// event doesn't end the wait.
func TestWatch(t *testing.T) {
	dir, err := os.MkdirTemp("", "w")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	path := filepath.Join(dir, "x")
	server := ipctest.Start(t, listenerProcess)
	ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
	defer cancel()
	for range 20 {
		w := NewWatch(path)
		w.pause.next = time.Hour
		server.Say(path)
		for {
			c, err := Dial(ctx, path)
			if err == nil {
				c.Close()
				break
			}
			if !IsAbsent(err) {
				t.Fatal(err)
			}
			w.pause.next = time.Hour
			if err := w.Wait(ctx); err != nil {
				t.Fatalf("not woken: %v", err)
			}
		}
		server.Say("close")
		server.Expect("closed")
		w.Close()
	}
}

func TestWatchIgnoresOthers(t *testing.T) {
	dir, err := os.MkdirTemp("", "w")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	w := NewWatch(filepath.Join(dir, "x"))
	defer w.Close()
	w.pause.next = time.Hour
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	other := filepath.Join(dir, "y")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(other)
	announce(other)
	time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
	if err := w.Wait(ctx); err != cause {
		t.Errorf("woken by another file: %v", err)
	}
}
