package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
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
		if err := Remove(KindEvent, e.Name(), cfg); err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
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
	if err := awaitAsleep("(*Event).Wait", n); err != nil {
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
			if err := awaitAsleep("(*Event).Wait", n); err != nil {
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

// everyEvent runs a test with an event by name and one in a place, and with what
// another process needs to open it.
func everyEvent(t *testing.T, cfg *Config, test func(t *testing.T, e *Event, args ...string)) {
	t.Run("named", func(t *testing.T) {
		e := newTestEvent(t, cfg)
		test(t, e, "named", e.Name())
	})
	t.Run("placed", func(t *testing.T) {
		at := newPlace(t, 1)
		e, err := CreateEvent("", configAt(at, cfg))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		test(t, e, "placed", at.File.Name())
	})
}

// An event that resets itself lets one through, whichever process he is in.
func TestEvent(t *testing.T) {
	everyEvent(t, nil, func(t *testing.T, e *Event, args ...string) {
		if e.Manual() || !e.Created() {
			t.Error("not what was asked for")
		}
		p := ipctest.Start(t, eventUser, args...)
		p.Expect("opened false")
		wantSet(t, e, false)
		mustSet(t, e)
		mustSet(t, e)
		if st, err := e.Stats(); err != nil || st.Value != 1 {
			t.Errorf("stats: %+v, %v", st, err)
		}
		tell(t, p, "try", "true <nil>")
		tell(t, p, "try", "false <nil>")
		wantSet(t, e, false)
		tell(t, p, "set", "<nil>")
		tell(t, p, "reset", "<nil>")
		wantSet(t, e, false)

		tellToWait(t, p, 3)
		for range 3 {
			mustSet(t, e)
			p.Expect("through <nil>")
			wantSet(t, e, false)
		}
		tell(t, p, "set", "<nil>")
		if err := e.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		wantSet(t, e, false)
	})
}

// An event that is reset by hand lets everybody through until then, and those
// who open it get it like that.
func TestManualEvent(t *testing.T) {
	everyEvent(t, &Config{ManualReset: true}, func(t *testing.T, e *Event, args ...string) {
		p := ipctest.Start(t, eventUser, args...)
		p.Expect("opened true")
		tellToWait(t, p, 5)
		mustSet(t, e)
		for range 5 {
			p.Expect("through <nil>")
		}
		tell(t, p, "try", "true <nil>")
		for range 2 {
			if err := e.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		tell(t, p, "reset", "<nil>")
		wantSet(t, e, false)
	})
}

// Empty, cancelled and closed are three answers.
func TestEventAnswers(t *testing.T) {
	everyEvent(t, nil, func(t *testing.T, e *Event, args ...string) {
		wantSet(t, e, false)
		cause := errors.New("changed my mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		wantError(t, e.Wait(ctx), cause)
		mustSet(t, e)
		if err := e.Wait(ctx); err != nil {
			t.Errorf("set, but %v", err)
		}

		p := ipctest.Start(t, eventUser, args...)
		p.Expect("opened false")
		tellToWait(t, p, 1)
		done := make(chan error)
		for range 3 {
			go func() { done <- e.Wait(context.Background()) }()
		}
		mustAwaitWaiting(t, 3)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		for range 3 {
			wantError(t, <-done, os.ErrClosed)
		}
		wantError(t, e.Wait(ctx), os.ErrClosed)
		ok, err := e.TryWait()
		wantError(t, err, os.ErrClosed)
		if ok {
			t.Error("a closed event was set")
		}
		wantError(t, e.Set(), os.ErrClosed)
		wantError(t, e.Reset(), os.ErrClosed)
		_, err = e.Stats()
		wantError(t, err, os.ErrClosed)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		tell(t, p, "try", "false <nil>") // nothing changed for the other
		p.Say("set")
		if a, b := p.Hear(), p.Hear(); a == b {
			t.Errorf("it said %q twice", a)
		}
	})
}

func TestEventExistence(t *testing.T) {
	name := ipctest.UniqueName()
	_, err := OpenEvent(name, nil)
	wantError(t, err, os.ErrNotExist, "CreateEvent", "ipc create event://")
	e := newTestEvent(t, &Config{ManualReset: true})
	_, err = CreateEvent(e.Name(), nil)
	wantError(t, err, os.ErrExist, "OpenEvent", removal(KindEvent))
	_, err = OpenOrCreateEvent(e.Name(), nil)
	wantError(t, err, breezeway.ErrMismatch, "ManualReset")
	other, err := OpenEvent(e.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.Created() || !other.Manual() || other.Name() != e.Name() {
		t.Error("it is another one")
	}
	other.Close()
	_, err = CreateEvent("a/b", nil)
	wantError(t, err, os.ErrInvalid, "'/'")
}

func TestEventCancel(t *testing.T) {
	everyEvent(t, nil, func(t *testing.T, e *Event, args ...string) {
		p := ipctest.Start(t, eventUser, args...)
		p.Expect("opened false")
		tellToWait(t, p, 1)
		cause := errors.New("changed my mind")
		for _, behind := range []int{0, 2} { // others of this process
			ctx, end := context.WithCancel(context.Background())
			var others sync.WaitGroup
			for range behind {
				others.Go(func() { wantError(t, e.Wait(ctx), context.Canceled) })
			}
			mustAwaitWaiting(t, behind)
			var times []time.Duration
			for range ipctest.Count(100) + 4 {
				ctx, cancel := context.WithCancelCause(context.Background())
				result := make(chan error)
				go func() { result <- e.Wait(ctx) }()
				mustAwaitWaiting(t, behind+1)
				start := time.Now()
				cancel(cause)
				wantError(t, <-result, cause)
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			t.Logf("behind %d: ended after %v, %v at most", behind, times[len(times)/2], times[len(times)-1])
			if typical := times[len(times)/2]; typical > 10*time.Millisecond {
				t.Errorf("typically cancelled after %v", typical)
			}
			mustAwaitWaiting(t, behind) // undisturbed
			end()
			others.Wait()
		}
		mustSet(t, e) // nor is the other process's waiter disturbed
		p.Expect("through <nil>")
	})
}

// tally is what those who wait in a storm share.
type tally struct {
	Through, Cancelled, Ended atomic.Int64
}

// eventStorm waits for e in many goroutines that often change their minds. Each
// who is let through says so by the event done.
func eventStorm(e, done *Event, n *tally) error {
	const goroutines = 8
	results := make(chan error)
	for range goroutines {
		go func() {
			for n.Ended.Load() == 0 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
				err := e.Wait(ctx)
				cancel()
				switch {
				case err == nil:
					n.Through.Add(1)
					err = done.Set()
				case errors.Is(err, context.DeadlineExceeded):
					n.Cancelled.Add(1)
					err = nil
				}
				if err != nil {
					results <- err
					return
				}
			}
			results <- nil
		}()
	}
	var err error
	for range goroutines {
		err = errors.Join(err, <-results)
	}
	return err
}

// openEventStorm opens the events and the tally of a storm.
func openEventStorm(name, doneName, segment string) (e, done *Event, n *tally, end func(), err error) {
	seg, err := shm.Open(segment, nil)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if e, err = OpenEvent(name, nil); err != nil {
		return nil, nil, nil, nil, err
	}
	if done, err = OpenEvent(doneName, nil); err != nil {
		return nil, nil, nil, nil, err
	}
	n, err = mmap.View[tally](seg.Mapping, 0)
	return e, done, n, func() { e.Close(); done.Close(); seg.Close() }, err
}

var eventStormer = ipctest.Helper("event stormer", func(c *ipctest.Control) error {
	e, done, n, end, err := openEventStorm(c.Args[0], c.Args[1], c.Args[2])
	if err != nil {
		return err
	}
	defer end()
	c.Say("ready")
	return eventStorm(e, done, n)
})

// Whatever changes its mind when: each time the event is set one is let through.
func TestEventStormOfCancels(t *testing.T) {
	seg, err := shm.Create(ipctest.UniqueName(), int64(os.Getpagesize()), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer seg.Close()
	if runtime.GOOS != "windows" {
		defer shm.Remove(shm.KindSegment, seg.Name(), nil)
	}
	names := []string{newTestEvent(t, nil).Name(), newTestEvent(t, nil).Name(), seg.Name()}
	e, done, n, end, err := openEventStorm(names[0], names[1], names[2])
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	p := ipctest.Start(t, eventStormer, names...)
	p.Expect("ready")
	ours := make(chan error)
	go func() { ours <- eventStorm(e, done, n) }()
	sets := int64(0)
	for cancels := int64(ipctest.Count(10_000)); n.Cancelled.Load() < cancels || sets < cancels/4; {
		mustSet(t, e)
		sets++
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := done.Wait(ctx)
		cancel()
		if err != nil {
			t.Errorf("nobody came through: %v", err)
			break
		}
		if got := n.Through.Load(); got != sets {
			t.Errorf("set %d times, and %d came through", sets, got)
			break
		}
	}
	n.Ended.Store(1)
	if err := <-ours; err != nil {
		t.Error(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v; stderr: %s", err, p.Stderr())
	}
	wantSet(t, e, false)
	t.Logf("set %d times, %d cancelled", sets, n.Cancelled.Load())
}

// Processes that die waiting keep nobody, and take nothing with them.
func TestEventWaiterIsKilled(t *testing.T) {
	everyEvent(t, nil, func(t *testing.T, e *Event, args ...string) {
		for range max(3, ipctest.Count(20)) {
			dying := ipctest.Start(t, eventUser, args...)
			dying.Expect("opened false")
			tellToWait(t, dying, 2)
			done := make(chan error)
			go func() { done <- e.Wait(context.Background()) }()
			mustAwaitWaiting(t, 1)
			dying.Kill()
			start := time.Now()
			mustSet(t, e)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d > 200*time.Millisecond*slack/2 {
				t.Errorf("it took %v", d)
			}
			wantSet(t, e, false)
		}
		if st, err := e.Stats(); err != nil || st.Waiters > 0 {
			t.Errorf("stats: %+v, %v", st, err)
		}
	})
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
	if err := awaitAsleep("(*Event).Wait", n); err != nil {
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

// What one goroutine did before it set an event, another sees that waited; the
// race detector is the judge.
func TestEventOrdersGoroutines(t *testing.T) {
	there, back := newTestEvent(t, nil), newTestEvent(t, nil)
	n := 0
	var other sync.WaitGroup
	other.Go(func() {
		for range 100 {
			if err := there.Wait(t.Context()); err != nil {
				t.Error(err)
				return
			}
			n++
			mustSet(t, back)
		}
	})
	for range 100 {
		n++
		mustSet(t, there)
		if err := back.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if other.Wait(); n != 200 {
		t.Error(n)
	}
}
