package mq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// newName returns a name whose queue is removed when the test is over.
func newName(t testing.TB) string {
	name := ipctest.UniqueName()
	t.Cleanup(func() {
		if err := Remove(name, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	return name
}

// mustOpen opens a queue that is closed when the test is over.
func mustOpen(t testing.TB, name string, cfg *Config) *LocalQueue {
	t.Helper()
	q, err := OpenOrCreate(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func newQueue(t testing.TB, cfg *Config) *LocalQueue {
	t.Helper()
	return mustOpen(t, newName(t), cfg)
}

func mustSend(t testing.TB, q Queue, m Outgoing) {
	t.Helper()
	if err := q.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func text(s string, priority int) Outgoing { return Outgoing{Body: []byte(s), Priority: priority} }

func mustReceive(t testing.TB, q Queue) Message {
	t.Helper()
	m, err := q.Receive(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustLease(t testing.TB, q Queue) Delivery {
	t.Helper()
	d, err := q.Lease(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantBody(t testing.TB, m Message, want string) {
	t.Helper()
	if string(m.Body) != want {
		t.Fatalf("received %q, want %q", m.Body, want)
	}
}

func wantLen(t testing.TB, q *LocalQueue, want int) {
	t.Helper()
	if n, err := q.Len(t.Context()); n != want || err != nil {
		t.Fatalf("it has %d messages (%v), want %d", n, err, want)
	}
}

func wantEmpty(t testing.TB, q *LocalQueue) {
	t.Helper()
	if m, ok, err := q.TryReceive(nil); ok || err != nil {
		t.Fatalf("received %q, %v from an empty queue", m.Body, err)
	}
	wantLen(t, q, 0)
	q.o.Use(func() error {
		used := int(q.h.fresh) - int(q.h.freed-q.h.taken)
		if used != 0 {
			t.Errorf("%d blocks are in use", used)
		}
		return nil
	})
}

func TestMessagesOfAllSizes(t *testing.T) {
	q := newQueue(t, &Config{MaxMessage: 100_000})
	for _, size := range []int{0, 1, 63, 64, 65, 128, 64 + 256, 64 + 257, 1000, 99_999, 100_000} {
		for _, id := range []string{"", "an ID", strings.Repeat("i", MaxID)} {
			body := make([]byte, size)
			for i := range body {
				body[i] = byte(rand.Uint32())
			}
			mustSend(t, q, Outgoing{Body: body, ID: id, Priority: size % 32})
			m := mustReceive(t, q)
			if !bytes.Equal(m.Body, body) || m.ID != id || m.Priority != size%32 || m.Deliveries != 1 || m.Redelivered() {
				t.Fatalf("%d bytes, ID %q: received %d bytes, ID %q, %+v", size, id, len(m.Body), m.ID, m.Deliveries)
			}
		}
	}
	wantEmpty(t, q)
	err := q.Send(t.Context(), Outgoing{Body: make([]byte, 100_001)})
	ipctest.WantError(t, err, breezeway.ErrTooLarge)
	if !strings.Contains(err.Error(), "100000") {
		t.Errorf("%v doesn't say the limit", err)
	}
}

func TestShortBufferTakesNothing(t *testing.T) {
	q := newQueue(t, nil)
	mustSend(t, q, text("hello", 0))
	_, err := q.Receive(t.Context(), make([]byte, 4))
	ipctest.WantError(t, err, breezeway.ErrTooLarge)
	_, err = q.Lease(t.Context(), make([]byte, 4))
	ipctest.WantError(t, err, breezeway.ErrTooLarge)
	wantLen(t, q, 1)
	wantBody(t, mustReceive(t, q), "hello")
	wantEmpty(t, q)
}

func TestPriorityThenArrival(t *testing.T) {
	q := newQueue(t, nil)
	var want [priorities][]string
	for i := range 300 {
		p := rand.IntN(priorities)
		if i%3 == 0 {
			p = 7
		}
		s := fmt.Sprint(i)
		want[p] = append(want[p], s)
		mustSend(t, q, text(s, p))
	}
	for p := MaxPriority; p >= 0; p-- {
		for _, s := range want[p] {
			m := mustReceive(t, q)
			if m.Priority != p || string(m.Body) != s {
				t.Fatalf("received %q of priority %d, want %q of %d", m.Body, m.Priority, s, p)
			}
		}
	}
	wantEmpty(t, q)
}

// A model of the queue in private memory: what is received must be what it says.
func TestAgainstModel(t *testing.T) {
	type message struct {
		body       string
		priority   int
		deliveries int
		order      int
	}
	for round := range 20 {
		q := newQueue(t, &Config{Capacity: 1 + rand.IntN(20), CapacityBytes: 4096, MaxMessage: 2000, Full: FullFail})
		var model []*message
		leased := map[*message]Delivery{}
		best := func() (b *message) {
			for _, m := range model {
				if _, out := leased[m]; !out && (b == nil || m.priority > b.priority || m.priority == b.priority && m.order < b.order) {
					b = m
				}
			}
			return b
		}
		drop := func(m *message) {
			for i := range model {
				if model[i] == m {
					model = append(model[:i], model[i+1:]...)
					return
				}
			}
		}
		order := 0
		for range 2000 {
			switch rand.IntN(5) {
			case 0, 1:
				order++
				m := &message{strings.Repeat("x", rand.IntN(400)) + fmt.Sprint(order), rand.IntN(3), 0, order}
				err := q.Send(t.Context(), text(m.body, m.priority))
				if errors.Is(err, ErrFull) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				model = append(model, m)
			case 2:
				m, ok, err := q.TryReceive(nil)
				want := best()
				if err != nil || ok != (want != nil) {
					t.Fatal(round, ok, err)
				}
				if !ok {
					continue
				}
				if string(m.Body) != want.body || m.Deliveries != want.deliveries+1 {
					t.Fatalf("received %q, want %q", m.Body, want.body)
				}
				drop(want)
			case 3:
				d, ok, err := q.TryLease(nil)
				want := best()
				if err != nil || ok != (want != nil) {
					t.Fatal(round, ok, err)
				}
				if !ok {
					continue
				}
				want.deliveries++
				if string(d.Body) != want.body || d.Deliveries != want.deliveries {
					t.Fatalf("leased %q, %d, want %q, %d", d.Body, d.Deliveries, want.body, want.deliveries)
				}
				leased[want] = d
			case 4:
				for m, d := range leased {
					delete(leased, m)
					if rand.IntN(2) == 0 {
						if err := d.Ack(t.Context()); err != nil {
							t.Fatal(err)
						}
						drop(m)
					} else if err := d.Nack(t.Context(), 0); err != nil {
						t.Fatal(err)
					}
					ipctest.WantError(t, d.Ack(t.Context()), ErrLeaseLost)
					break
				}
			}
			wantLen(t, q, len(model))
		}
		for m, d := range leased {
			if err := d.Ack(t.Context()); err != nil {
				t.Fatal(err)
			}
			drop(m)
		}
		for range len(model) {
			mustReceive(t, q)
		}
		wantEmpty(t, q)
	}
}

func TestReceiveWaits(t *testing.T) {
	q := newQueue(t, nil)
	got := make(chan Message)
	go func() {
		m, _ := q.Receive(t.Context(), nil)
		got <- m
	}()
	time.Sleep(5 * time.Millisecond) // it may or may not be parked by then
	mustSend(t, q, text("late", 3))
	wantBody(t, <-got, "late")
}

func TestReceiveEndsWithItsContext(t *testing.T) {
	q := newQueue(t, nil)
	cause := errors.New("mine")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := q.Receive(ctx, nil)
		ended <- err
	}()
	cancel(cause)
	ipctest.WantError(t, <-ended, cause)
	wantLen(t, q, 0)
}

func TestFullQueue(t *testing.T) {
	t.Run("fail", func(t *testing.T) {
		q := newQueue(t, &Config{Capacity: 3, Full: FullFail})
		for i := range 3 {
			mustSend(t, q, text(fmt.Sprint(i), 0))
		}
		ipctest.WantError(t, q.Send(t.Context(), text("3", 31)), ErrFull)
		sent, err := q.SendBatch(t.Context(), []Outgoing{text("3", 0)})
		ipctest.WantError(t, err, ErrFull)
		if sent != 0 {
			t.Error(sent)
		}
	})
	t.Run("wait", func(t *testing.T) {
		q := newQueue(t, &Config{Capacity: 3})
		for i := range 3 {
			mustSend(t, q, text(fmt.Sprint(i), 0))
		}
		if ok, err := q.TrySend(text("3", 0)); ok || err != nil {
			t.Error(ok, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		ipctest.WantError(t, q.Send(ctx, text("3", 0)), context.DeadlineExceeded)
		done := make(chan error)
		go func() { done <- q.Send(t.Context(), text("3", 0)) }()
		wantBody(t, mustReceive(t, q), "0")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		wantLen(t, q, 3)
	})
	t.Run("drop", func(t *testing.T) {
		q := newQueue(t, &Config{Capacity: 3, Full: FullDrop})
		for i, p := range []int{5, 1, 1, 4, 6, 0} { // drops the first 1, then the second, then itself
			mustSend(t, q, text(fmt.Sprint(i), p))
		}
		for _, want := range []string{"4", "0", "3"} {
			wantBody(t, mustReceive(t, q), want)
		}
		wantEmpty(t, q)
		if st, err := q.Stats(t.Context()); err != nil || st.Dropped != 3 {
			t.Errorf("%+v, %v", st, err)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		q := newQueue(t, &Config{Capacity: 100, CapacityBytes: 4096, MaxMessage: 4096, Full: FullFail})
		for range 100 {
			n := 0
			for ; ; n++ {
				if err := q.Send(t.Context(), Outgoing{Body: make([]byte, 64+256)}); errors.Is(err, ErrFull) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if n != 16 {
				t.Fatalf("%d messages fit", n)
			}
			for range n {
				mustReceive(t, q)
			}
			wantEmpty(t, q)
		}
	})
}

func TestTTL(t *testing.T) {
	q := newQueue(t, &Config{Capacity: 2, Full: FullFail})
	mustSend(t, q, Outgoing{Body: []byte("brief"), TTL: 1})
	mustSend(t, q, Outgoing{Body: []byte("brief too"), TTL: 1})
	time.Sleep(20 * time.Millisecond)                                 // the time is the input; some systems' clocks are so coarse
	mustSend(t, q, Outgoing{Body: []byte("lasting"), TTL: time.Hour}) // there is room: the others have expired
	wantBody(t, mustReceive(t, q), "lasting")
	mustSend(t, q, Outgoing{Body: []byte("brief"), TTL: 1})
	time.Sleep(20 * time.Millisecond)
	wantEmpty(t, q)
	if st, _ := q.Stats(t.Context()); st.Expired != 3 {
		t.Errorf("%+v", st)
	}
}

// What has expired makes room for a sender, wherever it is in a full queue, also if no
// receiver comes, and if it expires while the sender waits.
func TestExpiredMakeRoom(t *testing.T) {
	lasting, brief := text("lasting", 0), Outgoing{Body: []byte("brief"), TTL: time.Minute}
	overtaken := brief
	overtaken.Priority = 7
	for what, messages := range map[string][]Outgoing{
		"first":     {brief, lasting, lasting},
		"middle":    {lasting, brief, lasting},
		"last":      {lasting, lasting, brief},
		"two":       {lasting, brief, brief},
		"priority":  {lasting, lasting, overtaken},
		"different": {{Body: []byte("lasting"), TTL: time.Hour}, lasting, brief},
	} {
		for _, full := range []Full{FullWait, FullFail} {
			t.Run(fmt.Sprint(what, " ", full), func(t *testing.T) {
				ipctest.Longer(t, func(ttl time.Duration) error {
					q := newQueue(t, &Config{Capacity: 3, Full: full})
					start := time.Now()
					for _, m := range messages {
						if m.TTL == brief.TTL {
							m.TTL = ttl
						}
						mustSend(t, q, m)
					}
					if full == FullFail {
						if err := q.Send(t.Context(), lasting); !errors.Is(err, ErrFull) {
							return fmt.Errorf("sent to a full queue: %v", err)
						}
						time.Sleep(ttl + 20*time.Millisecond) // the time is the input
					}
					mustSend(t, q, lasting)
					took := time.Since(start)
					if took < ttl {
						t.Errorf("there was room after %v", took)
					}
					ipctest.WantSince(t, start, ttl+250*time.Millisecond)
					for q.length() > 0 {
						wantBody(t, mustReceive(t, q), "lasting")
					}
					wantEmpty(t, q)
					return nil
				})
			})
		}
	}
}

// A sender that waits finds room also when a message expires that was sent after it had
// begun to wait.
func TestLaterMessageExpires(t *testing.T) {
	q := newQueue(t, &Config{Capacity: 2, CapacityBytes: 4096, MaxMessage: 4096})
	mustSend(t, q, Outgoing{Body: make([]byte, 2000), TTL: time.Hour})
	sent := make(chan error)
	go func() { sent <- q.Send(t.Context(), Outgoing{Body: make([]byte, 4000)}) }()
	awaitWaiters(t, q, 1)
	mustSend(t, q, Outgoing{Body: make([]byte, 500), TTL: 10 * time.Millisecond})
	start := time.Now()
	mustReceive(t, q) // the first one; the second one has too much room still
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	ipctest.WantSince(t, start, 600*time.Millisecond)
}

func TestLeaseTimeout(t *testing.T) {
	const timeout = time.Second // far longer than a machine stalls
	q := newQueue(t, &Config{LeaseTimeout: timeout})
	mustSend(t, q, text("work", 0))
	d := mustLease(t, q)
	if _, ok, _ := q.TryLease(nil); ok {
		t.Fatal("it was delivered twice")
	}
	again := mustLease(t, q) // waits for the timeout
	if !again.Redelivered() || again.Deliveries != 2 || string(again.Body) != "work" {
		t.Errorf("%+v", again.Message)
	}
	ipctest.WantError(t, d.Ack(t.Context()), ErrLeaseLost)
	extended := time.Now()
	for range 5 {
		time.Sleep(timeout / 4) // the time is the input
		if err := again.Extend(t.Context()); err != nil {
			t.Fatalf("%v after the lease began or was extended: %v", time.Since(extended), err)
		}
		extended = time.Now()
	}
	if err := again.Ack(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, q)
}

// A lease that is over is refused, also if no receiver has met the message since.
func TestLateAckIsRefused(t *testing.T) {
	q := newQueue(t, &Config{LeaseTimeout: time.Millisecond})
	mustSend(t, q, text("work", 0))
	d := mustLease(t, q)
	time.Sleep(20 * time.Millisecond) // the time is the input
	ipctest.WantError(t, d.Ack(t.Context()), ErrLeaseLost)
	ipctest.WantError(t, d.Extend(t.Context()), ErrLeaseLost)
	wantBody(t, mustReceive(t, q), "work")
}

func TestNackDelays(t *testing.T) {
	q := newQueue(t, nil)
	mustSend(t, q, text("work", 0))
	d := mustLease(t, q)
	start := time.Now()
	if err := d.Nack(t.Context(), 30*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	wantLen(t, q, 1)
	again := mustLease(t, q)
	if took := time.Since(start); took < 30*time.Millisecond || again.Deliveries != 2 {
		t.Errorf("after %v: %+v", took, again.Message)
	}
	ipctest.WantSince(t, start, time.Second)
}

func TestCloseGivesLeasesBack(t *testing.T) {
	name := newName(t)
	q, other := mustOpen(t, name, nil), mustOpen(t, name, nil)
	mustSend(t, q, text("work", 0))
	d, err := other.Lease(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if again := mustLease(t, q); again.Deliveries != 2 {
		t.Errorf("%+v", again.Message)
	}
	ipctest.WantError(t, d.Ack(t.Context()), os.ErrClosed)
}

func TestDeadLetters(t *testing.T) {
	dead := newName(t)
	q := newQueue(t, &Config{MaxDeliveries: 2, DeadLetter: dead})
	mustSend(t, q, Outgoing{Body: []byte("bad"), ID: "7", Priority: 4})
	for range 2 {
		if err := mustLease(t, q).Nack(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	wantEmpty(t, q)
	d := mustOpen(t, dead, nil)
	if m := mustReceive(t, d); string(m.Body) != "bad" || m.ID != "7" || m.Priority != 4 {
		t.Errorf("%+v", m)
	}
	if st, _ := q.Stats(t.Context()); st.DeadLettered != 1 {
		t.Errorf("%+v", st)
	}
}

func TestTooManyDeliveriesWithoutDeadLetters(t *testing.T) {
	q := newQueue(t, &Config{MaxDeliveries: 1})
	mustSend(t, q, text("bad", 0))
	if err := mustLease(t, q).Nack(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, q)
	if st, _ := q.Stats(t.Context()); st.Dropped != 1 {
		t.Errorf("%+v", st)
	}
}

func TestDrain(t *testing.T) {
	q := newQueue(t, nil)
	if err := q.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustSend(t, q, text("1", 0))
	mustSend(t, q, text("2", 0))
	drained := make(chan error, 1)
	go func() { drained <- q.Drain(t.Context()) }()
	mustReceive(t, q)
	d := mustLease(t, q)
	select {
	case err := <-drained:
		t.Fatal("drained while a message is leased", err)
	case <-time.After(5 * time.Millisecond):
	}
	if err := d.Ack(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
}

func TestMismatch(t *testing.T) {
	name := newName(t)
	mustOpen(t, name, &Config{Capacity: 10})
	mustOpen(t, name, nil)
	_, err := OpenOrCreate(name, &Config{Capacity: 11})
	ipctest.WantError(t, err, breezeway.ErrMismatch)
	_, err = Create(name, nil)
	ipctest.WantError(t, err, os.ErrExist)
}

// removesNothing says that a queue that is open can't be removed.
const removesNothing = runtime.GOOS == "windows"

// Nor where memory must be protected: always on Windows, and where other users may write.
func TestSendAllocatesNothing(t *testing.T) {
	for what, open := range map[string]func(*testing.T) *LocalQueue{
		"own":     func(t *testing.T) *LocalQueue { return newQueue(t, nil) },
		"shared":  func(t *testing.T) *LocalQueue { return newQueue(t, &Config{Mode: 0o666}) },
		"durable": func(t *testing.T) *LocalQueue { return mustOpen(t, newDurable(t, 0, nil), nil) },
	} {
		t.Run(what, func(t *testing.T) {
			q := open(t)
			if want := what != "shared" && runtime.GOOS != "windows"; q.o.Direct != want {
				t.Errorf("direct: %v, want %v", q.o.Direct, want)
			}
			ctx := t.Context()
			for _, size := range []int{64, 1000} {
				m := Outgoing{Body: make([]byte, size)}
				buf := make([]byte, size)
				if n := testing.AllocsPerRun(1000, func() {
					if err := q.Send(ctx, m); err != nil {
						t.Fatal(err)
					}
					if _, err := q.Receive(ctx, buf); err != nil {
						t.Fatal(err)
					}
				}); n != 0 {
					t.Errorf("%d bytes: %v allocations", size, n)
				}
			}
		})
	}
}

func TestDurable(t *testing.T) {
	path := t.TempDir() + "/jobs"
	q, err := Create(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		mustSend(t, q, Outgoing{Body: bytes.Repeat([]byte{byte(i)}, 1000*i)})
	}
	mustLease(t, q)
	if err := mustLease(t, q).Ack(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q, err = Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for i := range 10 {
		if i == 1 {
			continue
		}
		if m := mustReceive(t, q); !bytes.Equal(m.Body, bytes.Repeat([]byte{byte(i)}, 1000*i)) || m.Redelivered() != (i == 0) {
			t.Fatalf("%d: %d bytes, %d deliveries", i, len(m.Body), m.Deliveries)
		}
	}
	wantEmpty(t, q)
}
