package ipctest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// Event is an event as one process has it open.
type Event interface {
	Wait(context.Context) error
	TryWait() (bool, error)
	Set() error
	Reset() error
	Close() error
}

// Events is a sort of events, for [TestEvent].
type Events struct {
	// Make makes an event that is not set, for one test, and returns the
	// arguments with which Open opens it. The factory removes what there is when
	// the test is over.
	Make func(t *testing.T) (args []string)
	Open func(args []string) (Event, error)
	// Process is what EventHelper returned for Open.
	Process string

	// Remove takes the event's name away. It is nil for one without a name, and
	// where one that is open can't be removed.
	Remove func(args []string) error
	// Manual says that the events stay set until they are reset.
	Manual bool
}

// EventHelper registers the helper that is the other process in [TestEvent].
func EventHelper(name string, open func(args []string) (Event, error)) string {
	return Helper(name, func(c *Control) error {
		e, err := open(c.Args)
		if err != nil {
			return err
		}
		c.AtEnd(func() { e.Close() })
		for {
			if err := obeyEventTest(c, e, strings.Fields(c.Hear())); err != nil {
				return err
			}
		}
	})
}

// obeyEventTest does what a test tells a helper.
func obeyEventTest(c *Control, e Event, command []string) error {
	switch command[0] {
	case "try":
		ok, err := e.TryWait()
		c.Say("%v, %v", ok, err)
	case "set":
		c.Say("%v", e.Set())
	case "reset":
		c.Say("%v", e.Reset())
	case "wait": // in so many goroutines
		n, err := strconv.Atoi(command[1])
		if err != nil {
			return err
		}
		for range n {
			go waitAndSay(c, e)
		}
		if err := AwaitAsleep("ipctest.waitAndSay", n); err != nil {
			return err
		}
		c.Say("waiting")
	case "storm": // until the test says that it is over
		var over atomic.Bool
		go func() {
			c.Hear()
			over.Store(true)
		}()
		err := waitInStorm(e, &over, func() { c.Say("through") })
		c.Say("over")
		return err
	}
	return nil
}

func waitAndSay(c *Control, e Event) {
	err := e.Wait(context.Background())
	c.Say("through: %v", err)
}

// waitInStorm waits in several goroutines, whose waits are cancelled at any moment,
// and calls through for each that is let through.
func waitInStorm(e Event, over *atomic.Bool, through func()) (err error) {
	const goroutines = 8
	ended := make(chan error, goroutines)
	for range goroutines {
		go func() {
			for !over.Load() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
				err := e.Wait(ctx)
				cancel()
				if err == nil {
					through()
				} else if !errors.Is(err, context.DeadlineExceeded) {
					ended <- err
					return
				}
			}
			ended <- nil
		}()
	}
	for range goroutines {
		err = errors.Join(err, <-ended)
	}
	return err
}

// eventTest is one test of a sort of events.
type eventTest struct {
	*testing.T
	Events
	args []string
	e    Event // open in this process
}

// TestEvent checks what all events promise.
func TestEvent(t *testing.T, events Events) {
	for _, test := range []struct {
		name string
		run  func(*eventTest)
	}{
		{"set", eventIsSet},
		{"lets waits through", eventLetsThrough},
		{"orders goroutines", eventOrders},
		{"cancelled", eventIsCancelled},
		{"cancelled at any moment", eventIsCancelledAtAnyMoment},
		{"closed", eventIsClosed},
		{"waiter killed", eventWaiterIsKilled},
		{"waiter stopped", eventWaiterIsStopped},
		{"removed", eventIsRemoved},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &eventTest{T: t, Events: events}
			e.args = events.Make(t)
			e.e = e.open()
			test.run(e)
		})
	}
}

func (t *eventTest) open() Event {
	t.Helper()
	e, err := t.Open(t.args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error("Close: ", err)
		}
	})
	return e
}

func (t *eventTest) start() *Process { return Start(t, t.Process, t.args...) }

func (t *eventTest) mustSet() {
	t.Helper()
	if err := t.e.Set(); err != nil {
		t.Fatal(err)
	}
}

func (t *eventTest) mustReset() {
	t.Helper()
	if err := t.e.Reset(); err != nil {
		t.Fatal(err)
	}
}

// wantSet checks whether the event is set. One that resets itself isn't any more.
func (t *eventTest) wantSet(want bool) {
	t.Helper()
	if ok, err := t.e.TryWait(); ok != want || err != nil {
		t.Errorf("TryWait says %v, %v, want %v", ok, err, want)
	}
}

func waitInBackground(ctx context.Context, e Event, ended chan<- error) { ended <- e.Wait(ctx) }

// wait has n goroutines wait for an event, of so many that then wait in all.
func (t *eventTest) wait(ctx context.Context, e Event, n, all int) <-chan error {
	t.Helper()
	ended := make(chan error, n)
	for range n {
		go waitInBackground(ctx, e, ended)
	}
	if err := AwaitAsleep("ipctest.waitInBackground", all); err != nil {
		t.Fatal(err)
	}
	return ended
}

// afterOne says whether the event is still set when it has let one wait through.
func (t *eventTest) afterOne() bool { return t.Manual }

func eventIsSet(t *eventTest) {
	p := t.start()
	start := time.Now()
	for range 10 {
		t.wantSet(false)
	}
	WantSince(t, start, 100*time.Millisecond) // TryWait doesn't wait
	t.mustSet()
	t.mustSet() // which is no more than once
	ask(p, "try", "true, <nil>")
	ask(p, "try", fmt.Sprintf("%v, <nil>", t.afterOne()))
	ask(p, "set", "<nil>")
	if err := t.e.Wait(withDone()); err != nil {
		t.Error("it is set, but the context done: ", err)
	}
	t.wantSet(t.afterOne())
	t.mustSet()
	ask(p, "reset", "<nil>")
	t.wantSet(false)
	t.mustReset() // does nothing
	t.wantSet(false)
}

func eventLetsThrough(t *eventTest) {
	p := t.start()
	const waiters = 3
	ask(p, fmt.Sprint("wait ", waiters), "waiting")
	if t.Manual {
		t.mustSet()
		for range waiters {
			p.Expect("through: <nil>")
		}
		t.wantSet(true)
		return
	}
	for range waiters {
		t.mustSet()
		p.Expect("through: <nil>")
		t.wantSet(false)
	}
	ended := t.wait(context.Background(), t.e, 1, 1)
	ask(p, "set", "<nil>")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.wantSet(false)
}

// eventOrders is for the race detector: what a goroutine did before it set an
// event is seen after the wait that it let through.
func eventOrders(t *eventTest) {
	n, ended := 0, make(chan error)
	go func() {
		err := t.e.Wait(context.Background())
		n++
		ended <- err
	}()
	n++
	t.mustSet()
	if err := <-ended; err != nil || n != 2 {
		t.Error(n, err)
	}
}

func eventIsCancelled(t *eventTest) {
	p := t.start()
	ask(p, "wait 1", "waiting")
	ctx, cancel := context.WithCancel(context.Background())
	other := t.wait(ctx, t.e, 1, 1)
	wantPromptCancel(t, func(ctx context.Context) <-chan error { return t.wait(ctx, t.e, 1, 2) })
	if err := AwaitAsleep("ipctest.waitInBackground", 1); err != nil {
		t.Error("the other waiter was disturbed: ", err)
	}
	cancel()
	WantError(t, <-other, context.Canceled)
	t.mustSet()
	p.Expect("through: <nil>")
	t.wantSet(t.afterOne())
}

// eventIsCancelledAtAnyMoment checks that each Set lets one wait through, whatever
// happens to the others.
func eventIsCancelledAtAnyMoment(t *eventTest) {
	if t.Manual {
		return // one Set lets any number through
	}
	p := t.start()
	var over atomic.Bool
	through, ended, silent := make(chan bool, 100), make(chan error, 1), make(chan bool)
	p.Say("storm")
	go func() { ended <- waitInStorm(t.e, &over, func() { through <- true }) }()
	go func() {
		defer close(silent)
		for line, ok := p.TryHear(); ok && line == "through"; line, ok = p.TryHear() {
			through <- true
		}
	}()
	for i := range Count(2500) {
		t.mustSet()
		select {
		case <-through:
		case <-time.After(Patience / 2):
			t.Fatalf("no wait was let through by Set %d", i)
		}
	}
	over.Store(true)
	p.Say("over")
	<-silent
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(through) > 0 {
		t.Errorf("%d more waits than Sets were let through", len(through))
	}
	t.wantSet(false)
}

func eventIsClosed(t *eventTest) {
	p := t.start()
	ask(p, "wait 1", "waiting")
	closing := t.open()
	const waiters = 3
	ended := t.wait(context.Background(), closing, waiters, waiters)
	for range 2 {
		if err := closing.Close(); err != nil {
			t.Error(err)
		}
	}
	for range waiters {
		WantError(t, <-ended, os.ErrClosed)
	}
	WantError(t, closing.Wait(context.Background()), os.ErrClosed)
	ok, err := closing.TryWait()
	WantError(t, err, os.ErrClosed)
	if ok {
		t.Error("a closed event was set")
	}
	WantError(t, closing.Set(), os.ErrClosed)
	WantError(t, closing.Reset(), os.ErrClosed)
	t.wantSet(false)
	t.mustSet() // the other process waits on
	p.Expect("through: <nil>")
}

func eventWaiterIsKilled(t *eventTest) {
	for range 3 {
		p := t.start()
		ask(p, "wait 2", "waiting")
		ended := t.wait(context.Background(), t.e, 1, 1)
		p.Kill()
		t.mustSet()
		set := time.Now()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		WantSince(t, set, deathBound)
		t.wantSet(t.afterOne())
		t.mustReset()
	}
}

// eventWaiterIsStopped has a wake-up spent on a process that does nothing with it,
// which doesn't keep others from what it announced.
func eventWaiterIsStopped(t *eventTest) {
	p := t.start()
	ask(p, "wait 1", "waiting")
	goOn := Stop(t, p.Process.Pid)
	ended := t.wait(context.Background(), t.e, 1, 1)
	t.mustSet()
	set := time.Now()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	WantSince(t, set, deathBound)
	goOn()
	t.mustSet()
	p.Expect("through: <nil>")
}

func eventIsRemoved(t *eventTest) {
	if t.Remove == nil {
		return
	}
	p := t.start()
	ask(p, "wait 1", "waiting")
	ended := t.wait(context.Background(), t.e, 1, 1)
	if err := t.Remove(t.args); err != nil {
		t.Fatal(err)
	}
	removed := time.Now()
	WantError(t, <-ended, breezeway.ErrRemoved)
	if line := p.Hear(); !strings.Contains(line, "removed") {
		t.Errorf("the other process's wait ended with %q", line)
	}
	WantSince(t, removed, removeBound)
	WantError(t, t.e.Wait(context.Background()), breezeway.ErrRemoved)
	WantError(t, t.e.Set(), breezeway.ErrRemoved)
}
