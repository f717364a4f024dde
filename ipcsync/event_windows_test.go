package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/windows"
)

// foreignEvent makes or opens the event Args[0] as programs do that don't use this
// package, and sets it or waits for it.
var foreignEvent = ipctest.Helper("foreign event", func(c *ipctest.Control) error {
	name, err := windows.UTF16PtrFromString(c.Args[0])
	if err != nil {
		return err
	}
	manual := uint32(0)
	if c.Args[1] == "manual" {
		manual = 1
	}
	security, err := plainSecurity()
	if err != nil {
		return err
	}
	h, err := windows.CreateEvent(security, manual, 0, name)
	if h == 0 {
		return err
	}
	defer windows.CloseHandle(h)
	c.Say("existed %v", errors.Is(err, windows.ERROR_ALREADY_EXISTS))
	for {
		switch c.Hear() {
		case "set":
			c.Say("%v", windows.SetEvent(h))
		case "wait":
			event, err := windows.WaitForSingleObject(h, windows.INFINITE)
			c.Say("%d %v", event, err)
		default:
			return nil
		}
	}
})

func sameEvent(t testing.TB, name string) *Event {
	t.Helper()
	e, err := OpenEvent(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// It is the event that every Windows program has, whichever program made it.
func TestEventIsTheKernels(t *testing.T) {
	e := newTestEvent(t, nil)
	p := ipctest.Start(t, foreignEvent, `Local\`+e.Name(), "auto")
	p.Expect("existed true")
	tell(t, p, "set", "<nil>")
	if err := e.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	wantSet(t, e, false)
	mustSet(t, e)
	tell(t, p, "wait", "0 <nil>")
	wantSet(t, e, false)

	for _, kind := range []string{"auto", "manual"} {
		name := ipctest.UniqueName()
		p := ipctest.Start(t, foreignEvent, `Local\`+name, kind)
		p.Expect("existed false")
		e := sameEvent(t, name)
		if e.Manual() != (kind == "manual") || e.Created() {
			t.Errorf("%s: manual %v, created %v", kind, e.Manual(), e.Created())
		}
		done := make(chan error)
		go func() { done <- e.Wait(context.Background()) }()
		mustAwaitWaiting(t, 1)
		tell(t, p, "set", "<nil>")
		if err := <-done; err != nil {
			t.Error(err)
		}
		wantSet(t, e, kind == "manual")
	}
}

// The scopes are two namespaces.
func TestEventScopes(t *testing.T) {
	e := newTestEvent(t, &Config{Scope: breezeway.Machine})
	_, err := OpenEvent(e.Name(), nil)
	ipctest.WantError(t, err, os.ErrNotExist)
	p := ipctest.Start(t, foreignEvent, fmt.Sprintf(`Global\%s`, e.Name()), "auto")
	p.Expect("existed true")
}
