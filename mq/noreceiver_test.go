package mq

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// leaseAndDie opens the queue Args[0], leases every message, and is killed.
var leaseAndDie = ipctest.Helper("lease-and-die", func(c *ipctest.Control) error {
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	for q.length() > q.countLeased() {
		if _, err := q.Lease(context.Background(), nil); err != nil {
			return err
		}
	}
	c.Say("leased")
	c.Hear()
	return nil
})

func (q *LocalQueue) countLeased() int { return int(q.h.leased) }

// leasedByDead returns a full queue of three messages that a killed process has leased.
func leasedByDead(t *testing.T, cfg *Config) *LocalQueue {
	t.Helper()
	cfg.Capacity = 3
	q := newQueue(t, cfg)
	for i := range 3 {
		mustSend(t, q, text(fmt.Sprint(i), 0))
	}
	p := ipctest.Start(t, leaseAndDie, q.Name())
	p.Expect("leased")
	p.Kill()
	p.Wait()
	return q
}

func patiently(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// No receiver is needed for messages to leave the queue whose last delivery has ended.
func TestNoReceiverAfterTheLastDelivery(t *testing.T) {
	for _, full := range []Full{FullWait, FullFail, FullDrop} {
		t.Run("killed, send, "+full.String(), func(t *testing.T) {
			q := leasedByDead(t, &Config{MaxDeliveries: 1, Full: full})
			if err := q.Send(patiently(t), text("next", 0)); err != nil {
				t.Fatal(err)
			}
			wantBody(t, mustReceive(t, q), "next")
			wantEmpty(t, q)
		})
		t.Run("timeout, send, "+full.String(), func(t *testing.T) {
			q := newQueue(t, &Config{MaxDeliveries: 1, Full: full, Capacity: 1, LeaseTimeout: time.Millisecond})
			mustSend(t, q, text("old", 0))
			mustLease(t, q)
			time.Sleep(20 * time.Millisecond) // the time is the input
			if err := q.Send(patiently(t), text("next", 0)); err != nil {
				t.Fatal(err)
			}
			wantBody(t, mustReceive(t, q), "next")
		})
	}
	t.Run("killed, drain", func(t *testing.T) {
		q := leasedByDead(t, &Config{MaxDeliveries: 1})
		if err := q.Drain(patiently(t)); err != nil {
			t.Fatal(err)
		}
		wantEmpty(t, q)
	})
	t.Run("timeout, drain", func(t *testing.T) {
		q := newQueue(t, &Config{MaxDeliveries: 1, LeaseTimeout: time.Millisecond})
		mustSend(t, q, text("old", 0))
		mustLease(t, q)
		if err := q.Drain(patiently(t)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDrainOfExpiredMessages(t *testing.T) {
	q := newQueue(t, nil)
	mustSend(t, q, Outgoing{Body: bytes.Repeat([]byte("x"), 1000), TTL: time.Millisecond})
	mustSend(t, q, Outgoing{Body: []byte("later"), TTL: 200 * time.Millisecond})
	if err := q.Drain(patiently(t)); err != nil {
		t.Fatal(err)
	}
	if st, err := q.Stats(t.Context()); err != nil || st.Expired != 2 {
		t.Errorf("%+v, %v", st, err)
	}
}

// What a killed process has leased can be dropped as any other message.
func TestFullDropAfterLeasesThatAreOver(t *testing.T) {
	t.Run("killed", func(t *testing.T) {
		q := leasedByDead(t, &Config{Full: FullDrop})
		for i := range 3 {
			mustSend(t, q, text(fmt.Sprint("new", i), 0))
		}
		for i := range 3 {
			wantBody(t, mustReceive(t, q), fmt.Sprint("new", i))
		}
		wantEmpty(t, q)
	})
	t.Run("timeout", func(t *testing.T) {
		q := newQueue(t, &Config{Full: FullDrop, Capacity: 1, LeaseTimeout: time.Millisecond})
		mustSend(t, q, text("old", 0))
		mustLease(t, q)
		time.Sleep(20 * time.Millisecond) // the time is the input
		mustSend(t, q, text("new", 0))
		wantBody(t, mustReceive(t, q), "new")
		wantEmpty(t, q)
	})
}

// A program that only polls meets the messages that dead processes had leased.
func TestTryMeetsLeasesOfDead(t *testing.T) {
	for name, try := range map[string]func(*LocalQueue) (bool, error){
		"TryReceive": func(q *LocalQueue) (bool, error) { _, ok, err := q.TryReceive(nil); return ok, err },
		"TryLease":   func(q *LocalQueue) (bool, error) { _, ok, err := q.TryLease(nil); return ok, err },
	} {
		t.Run(name, func(t *testing.T) {
			q := leasedByDead(t, &Config{})
			for left, until := 3, time.Now().Add(ipctest.Patience); left > 0; {
				ok, err := try(q)
				if err != nil || time.Now().After(until) {
					t.Fatal(left, err)
				}
				if ok {
					left--
				}
			}
		})
	}
}
