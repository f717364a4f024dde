package mq

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// stayer enters the sections of the queue Args[0] that Args[1] names, and stays there, as a
// process that was stopped there does.
var stayer = ipctest.Helper("stayer", func(c *ipctest.Control) error {
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	sections := map[string]*robust.Section{"in": &q.in, "out": &q.out, "disk": {Mutex: q.disk}}
	stay := func() error {
		c.Say("there")
		c.Hear()
		return nil
	}
	for name := range strings.FieldsSeq(c.Args[1]) {
		inner, s := stay, sections[name]
		stay = func() error { return s.Do(context.Background(), inner) }
	}
	return stay()
})

func TestTryWithStoppedProcess(t *testing.T) {
	for _, c := range []struct {
		sections             string
		full                 bool
		send, receive, lease bool // want true
	}{
		{"in", false, false, true, true},
		{"out", false, true, false, false},
		{"out", true, false, false, false}, // what has expired can't be looked for
		{"in out", false, false, false, false},
		{"disk", false, true, true, true},
	} {
		t.Run(c.sections, func(t *testing.T) {
			q := mustOpen(t, filepath.Join(t.TempDir(), "q"), &Config{Sync: true, Capacity: 4})
			for range map[bool]int{false: 2, true: 4}[c.full] {
				mustSend(t, q, text("x", 0))
			}
			p := ipctest.Start(t, stayer, q.Name(), c.sections)
			p.Expect("there")
			start := time.Now()
			sent, err := q.TrySend(text("y", 0))
			if sent != c.send || err != nil {
				t.Errorf("TrySend: %v, %v", sent, err)
			}
			if _, ok, err := q.TryReceive(nil); ok != c.receive || err != nil {
				t.Errorf("TryReceive: %v, %v", ok, err)
			}
			if _, ok, err := q.TryLease(nil); ok != c.lease || err != nil {
				t.Errorf("TryLease: %v, %v", ok, err)
			}
			ipctest.WantSince(t, start, time.Second) // what is sent is synced, if the disk takes its time
			p.Kill()
			if _, ok, err := q.TryReceive(nil); !ok && !(c.receive && c.lease) || err != nil {
				t.Errorf("TryReceive after that: %v, %v", ok, err)
			}
		})
	}
}

// A dead-letter queue where a process was stopped keeps no receiver of another waiting.
func TestStoppedInTheDeadLetterQueue(t *testing.T) {
	dead := mustOpen(t, newName(t), nil)
	q := newQueue(t, &Config{MaxDeliveries: 1, DeadLetter: dead.Name()})
	p := ipctest.Start(t, stayer, dead.Name(), "in")
	p.Expect("there")
	mustSend(t, q, text("bad", 0))
	start := time.Now()
	if err := mustLease(t, q).Nack(t.Context(), 0); err != nil {
		t.Error(err)
	}
	ipctest.WantSince(t, start, 250*time.Millisecond)
	wantLen(t, q, 1)
	p.Kill()
	ctx, cancel := context.WithCancel(t.Context())
	leased := make(chan error)
	go func() {
		_, err := q.Lease(ctx, nil) // waits, and passes it on
		leased <- err
	}()
	wantBody(t, mustReceive(t, dead), "bad")
	cancel()
	ipctest.WantError(t, <-leased, context.Canceled)
	wantLen(t, q, 0)
}

// Every wait ends when the queue is removed.
func TestRemoveEndsWaits(t *testing.T) {
	if removesNothing {
		t.Skip("a queue that is open can't be removed on Windows")
	}
	for what, c := range map[string]struct {
		stay string // where another process is
		wait func(ctx context.Context, q *LocalQueue) error
	}{
		"receive": {"", func(ctx context.Context, q *LocalQueue) error { _, err := q.Receive(ctx, nil); return err }},
		"section": {"in", func(ctx context.Context, q *LocalQueue) error { return q.Send(ctx, text("x", 0)) }},
		"sync":    {"disk", func(ctx context.Context, q *LocalQueue) error { return q.Send(ctx, text("x", 0)) }},
		"room": {"", func(ctx context.Context, q *LocalQueue) error {
			q.Send(ctx, text("x", 0))
			return q.Send(ctx, text("x", 0))
		}},
		"drain": {"", func(ctx context.Context, q *LocalQueue) error {
			q.Send(ctx, text("x", 0))
			return q.Drain(ctx)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "q")
			q := mustOpen(t, name, &Config{Sync: true, Capacity: 1})
			if c.stay != "" {
				p := ipctest.Start(t, stayer, name, c.stay)
				p.Expect("there")
				defer p.Kill()
			}
			ended := make(chan error)
			go func() { ended <- c.wait(t.Context(), q) }()
			awaitWaiters(t, q, 1)
			start := time.Now()
			if err := Remove(name, nil); err != nil {
				t.Fatal(err)
			}
			ipctest.WantError(t, <-ended, breezeway.ErrRemoved)
			t.Logf("after %v", time.Since(start))
			ipctest.WantSince(t, start, 50*time.Millisecond)
		})
	}
}
