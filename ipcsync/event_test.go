package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// newTestEvent makes an event that is closed and removed when the test is over.
func newTestEvent(t testing.TB, cfg *Config) *Event {
	t.Helper()
	e, err := CreateEvent(ipctest.UniqueName(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		removeIfThere(t, KindEvent, e.Name())
	})
	return e
}

func mustSet(t testing.TB, e *Event) {
	t.Helper()
	if err := e.Set(); err != nil {
		t.Fatal(err)
	}
}

func mustReset(t testing.TB, e *Event) {
	t.Helper()
	if err := e.Reset(); err != nil {
		t.Fatal(err)
	}
}

func wantSet(t testing.TB, e *Event, want bool) {
	t.Helper()
	if ok, err := e.TryWait(); ok != want || err != nil {
		t.Errorf("TryWait says %v, %v", ok, err)
	}
}

// mustAwaitWaiting waits until n goroutines sleep at an event.
func mustAwaitWaiting(t testing.TB, n int) {
	t.Helper()
	if err := ipctest.AwaitAsleep("ipcsync.(*Event).Wait", n); err != nil {
		t.Fatal(err)
	}
}

// openEventOf opens the event of a name, or in the file of a path, as its creator
// said.
func openEventOf(where, name string) (e *Event, done func(), err error) {
	if where == "named" {
		e, err = OpenEvent(name, nil)
		return e, func() {}, err
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	m, err := mmap.Map(f, nil)
	if err != nil {
		return nil, nil, err
	}
	e, err = OpenEvent("", &Config{At: Place{f, 0}})
	return e, func() { m.Close(); f.Close() }, err
}

// eventUser opens the event Args[1] and does what it is told.
var eventUser = ipctest.Helper("event user", func(c *ipctest.Control) error {
	e, done, err := openEventOf(c.Args[0], c.Args[1])
	if err != nil {
		return err
	}
	c.AtEnd(done)
	c.AtEnd(func() { e.Close() })
	before := threadsNow()
	c.Say("opened %v", e.Manual())
	for {
		var command string
		var n int
		fmt.Sscan(c.Hear(), &command, &n)
		switch command {
		case "try":
			ok, err := e.TryWait()
			c.Say("%v %v", ok, err)
		case "set":
			c.Say("%v", e.Set())
		case "reset":
			c.Say("%v", e.Reset())
		case "wait": // in n goroutines
			for range n {
				go func() { c.Say("through %v", e.Wait(context.Background())) }()
			}
			if err := ipctest.AwaitAsleep("ipcsync.(*Event).Wait", n); err != nil {
				return err
			}
			c.Say("waiting, %d threads more", threadsNow()-before)
		default:
			return fmt.Errorf("what is %q?", command)
		}
	}
})

// tell says something to a helper and waits for the answer.
func tell(t testing.TB, p *ipctest.Process, command, answer string) {
	t.Helper()
	p.Say(command)
	if got := p.Hear(); got != answer {
		t.Fatalf("%s: %q, want %q; stderr: %s", command, got, answer, p.Stderr())
	}
}

// tellToWait has n goroutines of an event user wait, and returns how many more
// threads it has for that.
func tellToWait(t testing.TB, p *ipctest.Process, n int) (threads int) {
	t.Helper()
	p.Say(fmt.Sprintf("wait %d", n))
	if _, err := fmt.Sscanf(p.Hear(), "waiting, %d threads more", &threads); err != nil {
		t.Fatal(err)
	}
	return threads
}

func TestEventExistence(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := OpenEvent(name, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "CreateEvent", "ipc create event://")
	e := newTestEvent(t, &Config{ManualReset: true})
	_, err = CreateEvent(e.Name(), nil)
	ipctest.WantError(t, err, os.ErrExist, "OpenEvent", removal(KindEvent))
	_, err = OpenOrCreateEvent(e.Name(), nil)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "ManualReset")
	other, err := OpenEvent(e.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Created() || !other.Manual() || other.Name() != e.Name() {
		t.Error("it is another one")
	}
	other.Close()
	_, err = CreateEvent("a/b", nil)
	ipctest.WantError(t, err, os.ErrInvalid, "'/'")
}

// Many goroutines of a process, and many events, take few threads.
func TestEventThreads(t *testing.T) {
	const many = 300
	limit := runtime.GOMAXPROCS(0) + 16
	t.Run("one event", func(t *testing.T) {
		e := newTestEvent(t, &Config{ManualReset: true})
		p := ipctest.Start(t, eventUser, "named", e.Name())
		p.Expect("opened true")
		if more := tellToWait(t, p, many); more > limit {
			t.Errorf("%d threads more, at most %d", more, limit)
		}
		mustSet(t, e)
		for range many {
			p.Expect("through <nil>")
		}
	})
	t.Run("many events", func(t *testing.T) {
		p := ipctest.Start(t, eventCrowd, strconv.Itoa(many))
		more, err := strconv.Atoi(p.Hear())
		if err != nil {
			t.Fatal(err)
		}
		if more > limit {
			t.Errorf("%d threads more, at most %d", more, limit)
		}
		p.Expect("all through")
	})
}

// eventCrowd waits for Args[0] events, one goroutine each, and says how many
// threads that took.
var eventCrowd = ipctest.Helper("event crowd", func(c *ipctest.Control) error {
	n, err := strconv.Atoi(c.Args[0])
	if err != nil {
		return err
	}
	before := threadsNow()
	var events []*Event
	through := make(chan error)
	for range n {
		e, err := CreateEvent(ipctest.UniqueName(), nil)
		if err != nil {
			return err
		}
		events = append(events, e)
		c.AtEnd(func() { e.Close(); Remove(KindEvent, e.Name(), nil) })
		go func() { through <- e.Wait(context.Background()) }()
	}
	if err := ipctest.AwaitAsleep("ipcsync.(*Event).Wait", n); err != nil {
		return err
	}
	c.Say("%d", threadsNow()-before)
	for _, e := range events {
		err = errors.Join(err, e.Set())
	}
	for range n {
		err = errors.Join(err, <-through)
	}
	if err != nil {
		return err
	}
	c.Say("all through")
	c.Hear() // until the test ends this process
	return nil
})

// Of several waits of a claim one is let through, and the other event stays set.
func TestEventClaim(t *testing.T) {
	a, b := newTestEvent(t, nil), newTestEvent(t, nil)
	for range ipctest.Count(2000) {
		var c robust.Claim
		waits, sets := make(chan error, 2), make(chan error, 2)
		for _, e := range []*Event{a, b} {
			go func() { waits <- e.event.Wait(context.Background(), &c) }()
			go func() { sets <- e.Set() }()
		}
		through := 0
		for range 2 {
			if err := <-sets; err != nil {
				t.Fatal(err)
			}
			switch err := <-waits; {
			case err == nil:
				through++
			case !errors.Is(err, robust.ErrTaken):
				t.Fatal(err)
			}
		}
		left := 0
		for _, e := range []*Event{a, b} {
			if ok, err := e.TryWait(); err != nil {
				t.Fatal(err)
			} else if ok {
				left++
			}
		}
		if through != 1 || left != 1 {
			t.Fatalf("%d came through and %d events are left", through, left)
		}
	}
}

// WaitAny resets no other event than that for which it returns.
func TestEventWaitAny(t *testing.T) {
	e, other, manual := newTestEvent(t, nil), newTestEvent(t, nil), newTestEvent(t, &Config{ManualReset: true})
	mustSet(t, other)
	mustSet(t, manual)
	wantAny(t, 1, e, other, manual)
	wantSet(t, other, false)
	wantAny(t, 2, e, other, manual)
	wantAny(t, 2, e, other, manual)
	mustReset(t, manual)
	taken := make(chan int)
	go func() {
		i, _, err := WaitAny(t.Context(), manual, e, other)
		if err != nil {
			t.Error(err)
		}
		taken <- i
	}()
	p := ipctest.Start(t, eventUser, "named", e.Name())
	p.Expect("opened false")
	tell(t, p, "set", "<nil>")
	if i := <-taken; i != 1 {
		t.Errorf("it took %d", i)
	}
	wantSet(t, e, false)
}
