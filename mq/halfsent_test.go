package mq

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// dieSending leaves the queue as a sender does that dies after it has sent its message,
// and before it has counted it.
func dieSending(t testing.TB, q *LocalQueue, m Outgoing) (ok bool) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.in.Do(t.Context(), func() (err error) {
			if ok, err = q.put(&m); err != nil {
				t.Error(err)
			}
			if !ok {
				return err
			}
			q.h.tail--
			runtime.Goexit() // the section is the next process's to repair
			return nil
		})
	}()
	<-done
	return ok
}

// A message that was received before its sender's death was seen doesn't take its place
// from the next one.
func TestReceivedBeforeItsSenderWasRepaired(t *testing.T) {
	for _, sync := range []bool{false, true} {
		for _, lease := range []bool{false, true} {
			for _, capacity := range []int{1, 5} {
				t.Run(fmt.Sprintf("sync %v, lease %v, capacity %d", sync, lease, capacity), func(t *testing.T) {
					q, err := Create(filepath.Join(t.TempDir(), "jobs"), &Config{Sync: sync, Capacity: capacity})
					if err != nil {
						t.Fatal(err)
					}
					defer q.Close()
					for range 3 {
						mustSend(t, q, text("before", 0))
						mustReceive(t, q)
					}
					dieSending(t, q, text("half", 0))
					if lease {
						if err := mustLease(t, q).Ack(t.Context()); err != nil {
							t.Fatal(err)
						}
					} else {
						wantBody(t, mustReceive(t, q), "half")
					}
					for i := range 3 * capacity {
						mustSend(t, q, text(fmt.Sprint(i), 0))
						ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
						defer cancel()
						m, err := q.Receive(ctx, nil)
						if err != nil {
							t.Fatalf("message %d is lost: %v", i, err)
						}
						wantBody(t, m, fmt.Sprint(i))
					}
					wantEmpty(t, q)
				})
			}
		}
	}
}

// Until the next sender repairs what the dead one left, the counts are right, and no wait
// is longer than it would be without the death.
func TestCountsBeforeADeadSenderIsRepaired(t *testing.T) {
	q := newQueue(t, &Config{Capacity: 2})
	mustSend(t, q, text("leased", 0))
	d := mustLease(t, q)
	dieSending(t, q, text("half", 0))
	wantBody(t, mustReceive(t, q), "half")
	wantLen(t, q, 1)
	if err := d.Ack(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantLen(t, q, 0)
	if !q.mayPut(0) {
		t.Error("a sender would wait for room in an empty queue")
	}
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	if err := q.Drain(ctx); err != nil {
		t.Error(err)
	}
	mustSend(t, q, text("next", 0))
	wantBody(t, mustReceive(t, q), "next")
	wantEmpty(t, q)
}

// A sender that waits for room gets in also if the room is what a dead sender's message
// has left.
func TestWaitForRoomThatADeadSendersMessageLeft(t *testing.T) {
	q := newQueue(t, &Config{Capacity: 1})
	dieSending(t, q, text("half", 0))
	sent := make(chan error, 1)
	w := newRoomWait(q)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
		defer cancel()
		sent <- w.await(ctx, 0, 0)
	}()
	start := time.Now()
	wantBody(t, mustReceive(t, q), "half")
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	ipctest.WantSince(t, start, time.Second)
}
