package mq

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

func TestWaitAnyTakesQueues(t *testing.T) {
	e, err := ipcsync.OpenOrCreateEvent(ipctest.UniqueName(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindEvent, e.Name(), nil)
	defer e.Close()
	q := newQueue(t, nil)
	got := make(chan int)
	go func() {
		i, _, err := ipcsync.WaitAny(t.Context(), e, q)
		if err != nil {
			t.Error(err)
		}
		got <- i
	}()
	mustSend(t, q, text("here", 0))
	if i := <-got; i != 1 {
		t.Errorf("%d is ready", i)
	}
	wantBody(t, mustReceive(t, q), "here") // it was not taken
}

// holder leases a message of the queue Args[0], and keeps it until it is killed.
var holder = ipctest.Helper("holder", func(c *ipctest.Control) error {
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer q.Close()
	if _, err := q.Lease(context.Background(), nil); err != nil {
		return err
	}
	c.Say("leased")
	c.Hear()
	return nil
})

func TestWaitAnyAfterTheLeaseholderWasKilled(t *testing.T) {
	for _, waits := range []bool{true, false} {
		q := newQueue(t, nil)
		mustSend(t, q, text("x", 0))
		p := ipctest.Start(t, holder, q.Name())
		p.Expect("leased")
		kill := func() {
			p.Kill()
			p.Wait()
		}
		if !waits {
			kill()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ended := make(chan error)
		go func() {
			_, _, err := ipcsync.WaitAny(ctx, q)
			ended <- err
		}()
		if waits {
			awaitWaiters(t, q, 1)
			kill()
		}
		start := time.Now()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		ipctest.WantSince(t, start, 600*time.Millisecond)
		m, ok, err := q.TryReceive(nil)
		if !ok || err != nil || !m.Redelivered() {
			t.Errorf("%+v, %v, %v", m, ok, err)
		}
	}
}

// What is delivered too often by the death of its leaseholder is passed on by the wait.
func TestWaitAnyPassesOn(t *testing.T) {
	dead := newQueue(t, nil)
	q := newQueue(t, &Config{MaxDeliveries: 1, DeadLetter: dead.Name()})
	mustSend(t, q, text("bad", 0))
	p := ipctest.Start(t, holder, q.Name())
	p.Expect("leased")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, _, err := ipcsync.WaitAny(ctx, q)
		ended <- err
	}()
	awaitWaiters(t, q, 1)
	p.Kill()
	wantBody(t, mustReceive(t, dead), "bad")
	cancel()
	ipctest.WantError(t, <-ended, context.Canceled)
}

func TestWaitAnyWakesWhenADelayEnds(t *testing.T) {
	const delay = 700 * time.Millisecond
	q := newQueue(t, nil)
	mustSend(t, q, text("x", 0))
	late := time.Hour
	for range 3 { // at least once the machine is not busy
		d := mustLease(t, q)
		ended := make(chan time.Time)
		go func() {
			if _, _, err := ipcsync.WaitAny(t.Context(), q); err != nil {
				t.Error(err)
			}
			ended <- time.Now()
		}()
		awaitWaiters(t, q, 1)
		due := time.Now().Add(delay)
		if err := d.Nack(t.Context(), delay); err != nil {
			t.Fatal(err)
		}
		end := <-ended
		if end.Before(due) {
			t.Errorf("%v too early", due.Sub(end))
		}
		late = min(late, end.Sub(due))
	}
	ipctest.WantWithin(t, late, 10*time.Millisecond)
}

func TestWaitAnyWithoutQueue(t *testing.T) {
	for _, q := range []*LocalQueue{nil, {}} {
		i, _, err := ipcsync.WaitAny(t.Context(), q)
		ipctest.WantError(t, err, os.ErrInvalid)
		if i != 0 {
			t.Error(i)
		}
	}
}
