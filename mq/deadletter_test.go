package mq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

func TestQueueIsNotItsOwnDeadLetterQueue(t *testing.T) {
	name := newName(t)
	q, err := Create(name, &Config{MaxDeliveries: 1, DeadLetter: name})
	if err == nil {
		q.Close()
	}
	ipctest.WantError(t, err, os.ErrInvalid)
}

// Without MaxDeliveries no message would ever come to the dead-letter queue.
func TestDeadLetterNeedsMaxDeliveries(t *testing.T) {
	for _, open := range []func(string, *Config) (*LocalQueue, error){Create, OpenOrCreate} {
		q, err := open(newName(t), &Config{DeadLetter: "dead"})
		if err == nil {
			q.Close()
		}
		ipctest.WantError(t, err, os.ErrInvalid, "Config.MaxDeliveries")
	}
}

// A damaged message is dropped, and not passed on as if it were whole.
func TestDamagedMessageIsNoDeadLetter(t *testing.T) {
	dead := newQueue(t, nil)
	q, err := Create(filepath.Join(t.TempDir(), "jobs"), &Config{MaxDeliveries: 1, DeadLetter: dead.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	mustSend(t, q, text("body", 0))
	d := mustLease(t, q)
	q.store[d.token.Message].data[0] ^= 1
	if err := d.Nack(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wantLen(t, dead, 0)
	wantLen(t, q, 0)
	if st, err := q.Stats(t.Context()); err != nil || st.Damaged != 1 || st.DeadLettered != 0 || st.Leased != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

// That a message can't be passed on counts as no redelivery.
func TestFullDeadLetterQueue(t *testing.T) {
	dead := newQueue(t, &Config{Capacity: 1})
	mustSend(t, dead, text("first", 0))
	q := newQueue(t, &Config{MaxDeliveries: 1, DeadLetter: dead.Name()})
	mustSend(t, q, text("second", 0))
	if err := mustLease(t, q).Nack(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wantLen(t, q, 1)
	if st, err := q.Stats(t.Context()); err != nil || st.Redelivered != 1 || st.Leased != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

// A process that is stopped in the dead-letter queue's section delays no call longer than
// its context, and not Close.
func TestDeadLetterQueueThatHangs(t *testing.T) {
	dead := newQueue(t, nil)
	for _, end := range []string{"context", "close"} {
		t.Run(end, func(t *testing.T) {
			q := newQueue(t, &Config{MaxDeliveries: 1, DeadLetter: dead.Name()})
			mustSend(t, q, text("body", 0))
			d := mustLease(t, q)
			ticket, err := dead.in.Lock(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				d.Nack(ctx, 0)
			}()
			time.Sleep(100 * time.Millisecond)
			if end == "context" {
				cancel()
			} else {
				go q.Close()
			}
			select {
			case <-ended:
			case <-time.After(ipctest.Patience):
				t.Error("Nack waits on")
			}
			if err := dead.in.Unlock(ticket); err != nil {
				t.Error(err)
			}
			<-ended
		})
	}
}

// A process that is stopped in a durable dead-letter queue keeps this one from opening it,
// and delays no call longer than its context, and not Close.
func TestDeadLetterQueueThatCannotBeOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead")
	mustOpen(t, path, nil)
	p := ipctest.Start(t, stayer, path, "in")
	p.Expect("there")
	defer p.Kill()
	for _, end := range []string{"context", "close", "try"} {
		t.Run(end, func(t *testing.T) {
			q := newQueue(t, &Config{MaxDeliveries: 1, DeadLetter: path})
			mustSend(t, q, text("body", 0))
			d := mustLease(t, q)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				d.Nack(ctx, 0)
			}()
			for range 500 { // until Nack waits in the opening
				if st, err := q.Stats(t.Context()); err != nil || st.Leased == 1 && st.Redelivered == 1 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			start := time.Now()
			switch end {
			case "context":
				cancel()
			case "close":
				if err := q.Close(); err != nil {
					t.Error(err)
				}
			case "try":
				if _, ok, err := q.TryReceive(nil); ok || err != nil {
					t.Error(ok, err)
				}
				ipctest.WantSince(t, start, 250*time.Millisecond)
				cancel()
			}
			select {
			case <-ended:
			case <-time.After(ipctest.Patience):
				t.Fatal("Nack waits on")
			}
			ipctest.WantSince(t, start, 500*time.Millisecond)
		})
	}
}

// Open of a durable queue ends although a process was stopped there, and says which.
func TestOpenWhileAProcessIsStopped(t *testing.T) {
	for _, section := range []string{"in", "out"} {
		path := filepath.Join(t.TempDir(), section)
		mustOpen(t, path, nil)
		p := ipctest.Start(t, stayer, path, section)
		p.Expect("there")
		s, err := (*Config)(nil).settings()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, os.ErrDeadlineExceeded)
		defer cancel()
		start := time.Now()
		q, err := openAs(ctx, robust.Open, path, s)
		if q != nil {
			q.Close()
		}
		ipctest.WantSince(t, start, 300*time.Millisecond)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), fmt.Sprint("process ", p.Cmd.Process.Pid)) {
			t.Error(err)
		}
		p.Kill()
	}
}

// When the dead-letter queue was removed, the next message goes to the one that has its name
// then.
func TestDeadLetterQueueIsRemoved(t *testing.T) {
	if removesNothing {
		t.Skip("a queue that is open can't be removed on Windows")
	}
	dead := newName(t)
	q := newQueue(t, &Config{MaxDeliveries: 1, DeadLetter: dead})
	for i := range 3 {
		mustSend(t, q, text(fmt.Sprint(i), 0))
		if err := mustLease(t, q).Nack(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		d, err := Open(dead, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantLen(t, d, 1)
		if i < 2 {
			if err := Remove(dead, nil); err != nil {
				t.Error(err)
			}
		}
		d.Close()
	}
	wantLen(t, q, 0)
}

// A path that is spelled otherwise, or leads through a link, is the same queue's.
func TestQueueIsNotItsOwnDeadLetterQueueBySpelling(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "q")
	spellings := []string{dir + "/./q", dir + "//q"}
	link := filepath.Join(t.TempDir(), "link")
	if runtime.GOOS == "windows" {
		t.Log("without a link: Windows may not permit it, and Wine makes one that leads nowhere")
	} else if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	} else {
		spellings = append(spellings, filepath.Join(link, "q"))
	}
	for _, other := range spellings {
		q, err := Create(path, &Config{MaxDeliveries: 1, DeadLetter: other})
		if err == nil {
			q.Close()
			os.Remove(path)
		}
		ipctest.WantError(t, err, os.ErrInvalid)
	}
}

// A message whose last delivery ended is not kept for the delay of Nack.
func TestNackWithDelayAtTheLastDelivery(t *testing.T) {
	dead := newQueue(t, nil)
	for _, name := range []string{"", dead.Name()} {
		q := newQueue(t, &Config{MaxDeliveries: 2, DeadLetter: name})
		mustSend(t, q, text("x", 0))
		if err := mustLease(t, q).Nack(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if err := mustLease(t, q).Nack(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		wantLen(t, q, 0)
		st, err := q.Stats(t.Context())
		if err != nil || st.Delayed != 0 || st.Redelivered != 2 || st.DeadLettered+st.Dropped != 1 {
			t.Errorf("%+v, %v", st, err)
		}
	}
	wantBody(t, mustReceive(t, dead), "x")
}

// A count of messages to be passed on that contradicts their list doesn't keep senders.
func TestSendBesideAWrongCountOfTheDead(t *testing.T) {
	for _, full := range []Full{FullWait, FullFail} {
		q := newQueue(t, &Config{Capacity: 1, MaxDeliveries: 1, Full: full})
		mustSend(t, q, text("first", 0))
		for _, list := range []uint32{0, 1, 1 << 20} {
			q.h.dead, q.h.lists[deadList].first = 3, list
			q.forwardAgain.Store(0)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			ended := make(chan error)
			go func() {
				_, err := q.TrySend(text("second", 0))
				ended <- errors.Join(err, q.Send(ctx, text("third", 0)))
			}()
			select {
			case err := <-ended:
				if err == nil {
					t.Errorf("full %d, list %d: a full queue took another message", full, list)
				}
			case <-time.After(ipctest.Patience):
				t.Fatalf("full %d, list %d: it goes on\n%s", full, list, ipctest.Stacks())
			}
			cancel()
		}
	}
}
