package mq

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// sizedSender sends messages of Args[1] bytes to the queue Args[0], one for each line.
var sizedSender = ipctest.Helper("sized sender", func(c *ipctest.Control) error {
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { q.Close() })
	size, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return err
	}
	c.Say("ready")
	for c.Hear() == "send" {
		if err := q.Send(context.Background(), Outgoing{Body: make([]byte, size)}); err != nil {
			return err
		}
		c.Say("sent")
	}
	return nil
})

const smallSize, largeSize = 1024, 40 << 10

// fullOfSmall returns a queue that small messages have filled.
func fullOfSmall(t *testing.T) *LocalQueue {
	t.Helper()
	q := newQueue(t, &Config{Capacity: 200, CapacityBytes: 64 << 10, MaxMessage: 60 << 10})
	for {
		ok, err := q.TrySend(Outgoing{Body: make([]byte, smallSize)})
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return q
		}
	}
}

// awaitWaiters waits until so many goroutines wait.
func awaitWaiters(t *testing.T, q *LocalQueue, want int) {
	t.Helper()
	for end := time.Now().Add(ipctest.Patience); ; time.Sleep(200 * time.Microsecond) { // nothing announces it
		st, err := q.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if st.Waiters == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d wait, want %d", st.Waiters, want)
		}
	}
}

// Room that is too little for the senders that have waited longest is taken by one that it
// suffices for, at once.
func TestRoomTooSmallForOthers(t *testing.T) {
	for _, large := range []int{1, 3} {
		t.Run(strconv.Itoa(large), func(t *testing.T) {
			q := fullOfSmall(t)
			for range large {
				p := ipctest.Start(t, sizedSender, q.Name(), strconv.Itoa(largeSize))
				p.Expect("ready")
				p.Say("send")
				defer p.Kill()
			}
			awaitWaiters(t, q, large)
			small := ipctest.Start(t, sizedSender, q.Name(), strconv.Itoa(smallSize))
			small.Expect("ready")
			var took []time.Duration
			for range max(20, ipctest.Count(100)) {
				small.Say("send")
				awaitWaiters(t, q, large+1)
				start := time.Now()
				mustReceive(t, q)
				small.Expect("sent")
				took = append(took, time.Since(start))
			}
			small.CloseInput()
			if err := small.Wait(); err != nil {
				t.Error(err)
			}
			wantPrompt(t, took)
		})
	}
}

// The same within a process, where only the first waiter of a gate looks.
func TestRoomTooSmallForOthersOfTheProcess(t *testing.T) {
	q := fullOfSmall(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 3 {
		go q.Send(ctx, Outgoing{Body: make([]byte, largeSize)})
	}
	awaitWaiters(t, q, 3)
	var took []time.Duration
	for range max(20, ipctest.Count(100)) {
		sent := make(chan error)
		go func() { sent <- q.Send(ctx, Outgoing{Body: make([]byte, smallSize)}) }()
		awaitWaiters(t, q, 4)
		start := time.Now()
		mustReceive(t, q)
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	wantPrompt(t, took)
}

// wantPrompt checks how long many waits took: none is told by looking again, after 100 ms.
func wantPrompt(t *testing.T, took []time.Duration) {
	t.Helper()
	ipctest.WantMedian(t, took, 10*time.Millisecond)
	slices.Sort(took)
	ipctest.WantWithin(t, took[len(took)*99/100], 90*time.Millisecond)
}

// A wake-up that no sender can use goes round once.
func TestUselessWakeUpEnds(t *testing.T) {
	const senders, rounds = 4, 10
	q := fullOfSmall(t)
	for range senders {
		p := ipctest.Start(t, sizedSender, q.Name(), strconv.Itoa(largeSize))
		p.Expect("ready")
		p.Say("send")
		defer p.Kill()
	}
	awaitWaiters(t, q, senders)
	wakeUps := func() (n uint32) {
		q.o.Touch(func() { n = atomic.LoadUint32(&q.h.room) / 2 })
		return n
	}
	before := wakeUps()
	for range rounds {
		mustReceive(t, q)
		time.Sleep(20 * time.Millisecond) // for what should not happen
	}
	n := wakeUps() - before
	t.Logf("%d wake-ups for %d changes", n, rounds)
	if n > 2*rounds*(senders+1) { // the message that leaves and its blocks may count apart
		t.Errorf("%d wake-ups for %d changes and %d waiters", n, rounds, senders)
	}
}
