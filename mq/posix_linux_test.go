package mq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"golang.org/x/sys/unix"
)

func newTestPOSIX(t testing.TB, cfg *POSIXConfig) *POSIXQueue {
	t.Helper()
	q, err := CreatePOSIX(ipctest.UniqueName(), cfg)
	if errors.Is(err, errors.ErrUnsupported) {
		ipctest.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		q.Close()
		if err := RemovePOSIX(q.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	return q
}

func openTestPOSIX(t testing.TB, name string) *POSIXQueue {
	t.Helper()
	q, err := OpenPOSIX(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

func sendText(t testing.TB, q Queue, text string, priority int) {
	t.Helper()
	if err := q.Send(t.Context(), Outgoing{Body: []byte(text), Priority: priority}); err != nil {
		t.Fatal(err)
	}
}

func expectMessage(t testing.TB, q Queue, text string, priority int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	m, err := q.Receive(ctx, nil)
	if err != nil || string(m.Body) != text || m.Priority != priority {
		t.Fatalf("received %q of priority %d, %v; want %q of %d", m.Body, m.Priority, err, text, priority)
	}
}

func TestPOSIXHighestPriorityFirstThenOldest(t *testing.T) {
	q := newTestPOSIX(t, nil)
	for i, priority := range []int{0, 31, 7, 31, 0, 7} {
		sendText(t, q, strconv.Itoa(i), priority)
	}
	for _, want := range []struct {
		text     string
		priority int
	}{{"1", 31}, {"3", 31}, {"2", 7}, {"5", 7}, {"0", 0}, {"4", 0}} {
		expectMessage(t, q, want.text, want.priority)
	}
}

func TestPOSIXEmptyLongAndShort(t *testing.T) {
	q := newTestPOSIX(t, &POSIXConfig{MaxMessage: 100})
	m, err := Message{}, q.Send(t.Context(), Outgoing{})
	if err == nil {
		m, err = q.Receive(t.Context(), nil)
	}
	if err != nil || m.Body == nil || len(m.Body) != 0 || m.Deliveries != 0 || m.Redelivered() {
		t.Errorf("an empty message came as %+v, %v", m, err)
	}
	ipctest.WantError(t, q.Send(t.Context(), Outgoing{Body: make([]byte, 101)}), breezeway.ErrTooLarge, "101", "100")
	sendText(t, q, "kept", 0)
	for _, size := range []int{0, 3, 99} {
		_, err := q.Receive(t.Context(), make([]byte, size))
		ipctest.WantError(t, err, breezeway.ErrTooLarge, "100")
		_, ok, err := q.TryReceive(make([]byte, size))
		ipctest.WantError(t, err, breezeway.ErrTooLarge)
		if ok {
			t.Error("it took the message")
		}
	}
	buf := make([]byte, 100)
	m, err = q.Receive(t.Context(), buf)
	if err != nil || string(m.Body) != "kept" || &m.Body[0] != &buf[0] {
		t.Errorf("%q, %v", m.Body, err)
	}
}

func TestPOSIXRefusesWhatTheKernelLacks(t *testing.T) {
	q := newTestPOSIX(t, nil)
	ctx := t.Context()
	ipctest.WantError(t, q.Send(ctx, Outgoing{TTL: time.Second}), errors.ErrUnsupported, "TTL", "mq.Create")
	ipctest.WantError(t, q.Send(ctx, Outgoing{ID: "x"}), errors.ErrUnsupported, "ID")
	ipctest.WantError(t, q.Send(ctx, Outgoing{TTL: -1}), os.ErrInvalid)
	for _, priority := range []int{-1, 32} {
		ipctest.WantError(t, q.Send(ctx, Outgoing{Priority: priority}), os.ErrInvalid, "31")
	}
	_, err := q.Lease(ctx, nil)
	ipctest.WantError(t, err, errors.ErrUnsupported, "lease", "Receive")
	_, _, err = ipcsync.WaitAny(ctx, q)
	ipctest.WantError(t, err, errors.ErrUnsupported, "WaitAny")
	if n, err := q.Len(ctx); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestPOSIXFullQueue(t *testing.T) {
	q := newTestPOSIX(t, &POSIXConfig{Capacity: 2, MaxMessage: 10})
	sent, err := q.SendBatch(t.Context(), []Outgoing{{Body: []byte("a")}, {Body: []byte("bb")}})
	if sent != 2 || err != nil {
		t.Fatal(sent, err)
	}
	ipctest.WantError(t, q.TrySend(Outgoing{}), ErrFull)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	sent, err = q.SendBatch(ctx, make([]Outgoing, 3))
	ipctest.WantError(t, err, context.DeadlineExceeded)
	s, statErr := q.Stats(t.Context())
	want := Stats{Messages: 2, Bytes: 3, Capacity: 2, CapacityBytes: 20, MaxMessage: 10, Sent: -1, Received: -1, Waiters: -1}
	if sent != 0 || s != want || statErr != nil {
		t.Errorf("%d sent, %+v, %v", sent, s, statErr)
	}
	// A sender that waits goes on as soon as there is room.
	ended := make(chan error)
	go func() { ended <- q.Send(t.Context(), Outgoing{Body: []byte("c")}) }()
	mustAwaitAsleep(t, "mq.(*posixHandle).do", 1)
	for _, text := range []string{"a", "bb"} {
		expectMessage(t, q, text, 0)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	expectMessage(t, q, "c", 0)
}

func mustAwaitAsleep(t testing.TB, function string, n int) {
	t.Helper()
	if err := ipctest.AwaitAsleep(function, n); err != nil {
		t.Fatal(err)
	}
}

func TestPOSIXNames(t *testing.T) {
	q := newTestPOSIX(t, nil)
	_, err := CreatePOSIX(q.Name(), nil)
	ipctest.WantError(t, err, os.ErrExist, "mq.OpenPOSIX")
	again, err := OpenOrCreatePOSIX(q.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !q.Created() || again.Created() || again.Name() != q.Name() {
		t.Errorf("created: %v, %v; name %q", q.Created(), again.Created(), again.Name())
	}
	sendText(t, again, "x", 0)
	again.Close()
	expectMessage(t, q, "x", 0)
	_, err = OpenOrCreatePOSIX(q.Name(), &POSIXConfig{MaxMessage: 99})
	ipctest.WantError(t, err, breezeway.ErrMismatch, "MaxMessage", "99")
	if err := RemovePOSIX(q.Name()); err != nil {
		t.Fatal(err)
	}
	_, err = OpenPOSIX(q.Name(), nil)
	ipctest.WantError(t, err, os.ErrNotExist, "mq.CreatePOSIX")
	ipctest.WantError(t, RemovePOSIX(q.Name()), os.ErrNotExist)
	for _, bad := range []string{"", "/", "a/b", ".x", "bad name"} {
		_, err = OpenPOSIX(bad, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
		ipctest.WantError(t, RemovePOSIX(bad), os.ErrInvalid)
	}
	_, err = OpenPOSIX("/jobs", nil)
	ipctest.WantError(t, err, os.ErrInvalid, "called jobs here")
}

func TestPOSIXModeIsExact(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	for mode, want := range map[os.FileMode]os.FileMode{0: 0o600, 0o666: 0o666, 0o640: 0o640, 0o400: 0o400} {
		q := newTestPOSIX(t, &POSIXConfig{Mode: mode})
		if info, err := q.file.Stat(); err != nil || info.Mode().Perm() != want {
			t.Errorf("%v, %v; want %v", info.Mode(), err, want)
		}
	}
	_, err := CreatePOSIX(ipctest.UniqueName(), &POSIXConfig{Mode: os.ModeSetuid})
	ipctest.WantError(t, err, os.ErrInvalid)
}

func TestPOSIXOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "a queue of another user needs root")
	}
	const other = 4711
	q := newTestPOSIX(t, nil)
	if err := q.file.Chown(other, -1); err != nil {
		t.Fatal(err)
	}
	_, err := OpenPOSIX(q.Name(), nil)
	ipctest.WantError(t, err, os.ErrPermission, "4711", "Trust")
	trusted, err := OpenOrCreatePOSIX(q.Name(), &POSIXConfig{Trust: []string{"4711"}})
	if err != nil {
		t.Fatal(err)
	}
	trusted.Close()
}

func TestPOSIXLimitsNameTheirSysctl(t *testing.T) {
	newTestPOSIX(t, nil) // where there are none the test ends here
	for what, c := range map[string]struct {
		cfg   POSIXConfig
		texts []string
	}{
		"messages": {POSIXConfig{Capacity: 1 << 20}, []string{"Capacity", "fs.mqueue.msg_max", "1048576"}},
		"bytes":    {POSIXConfig{MaxMessage: 1 << 30}, []string{"MaxMessage", "fs.mqueue.msgsize_max"}},
		"both":     {POSIXConfig{Capacity: 1 << 20, MaxMessage: 1 << 30}, []string{"fs.mqueue.msg"}},
	} {
		q, err := CreatePOSIX(ipctest.UniqueName(), &c.cfg)
		if err == nil {
			q.Close()
			t.Errorf("%s: no error", what)
			continue
		}
		ipctest.WantError(t, err, breezeway.ErrTooLarge, c.texts...)
	}
	_, err := CreatePOSIX(ipctest.UniqueName(), &POSIXConfig{Capacity: -1})
	ipctest.WantError(t, err, os.ErrInvalid)
	// The memory of all queues of a user: in a process of its own, since it stays.
	ipctest.Start(t, smallUser).Expect("true true")
}

// smallUser says what CreatePOSIX says where RLIMIT_MSGQUEUE is too small for a queue, and
// where no descriptor is left.
var smallUser = ipctest.Helper("small user", func(c *ipctest.Control) error {
	name := ipctest.UniqueName()
	defer RemovePOSIX(name)
	if err := unix.Setrlimit(unix.RLIMIT_MSGQUEUE, &unix.Rlimit{Cur: 5000, Max: 5000}); err != nil {
		return err
	}
	_, err := CreatePOSIX(name, nil)
	memory := errors.Is(err, breezeway.ErrTooLarge) && strings.Contains(err.Error(), "RLIMIT_MSGQUEUE")
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: 0}); err != nil {
		return err
	}
	_, err = CreatePOSIX(name, nil)
	c.Say("%t %t", memory, errors.Is(err, unix.EMFILE) && !errors.Is(err, breezeway.ErrTooLarge))
	return nil
})

func TestPOSIXList(t *testing.T) {
	q := newTestPOSIX(t, &POSIXConfig{Capacity: 3, MaxMessage: 50, Mode: 0o640})
	sendText(t, q, "twelve bytes", 0)
	infos, err := ListPOSIX()
	if errors.Is(err, errors.ErrUnsupported) {
		ipctest.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(infos, func(info POSIXInfo) bool { return info.Name == q.Name() })
	if i < 0 {
		t.Fatalf("it isn't in %+v", infos)
	}
	got := infos[i]
	if since := time.Since(got.Modified); since < -time.Second || since > time.Hour {
		t.Errorf("modified %v", got.Modified)
	}
	got.Modified = time.Time{}
	want := POSIXInfo{Name: q.Name(), Owner: strconv.Itoa(os.Geteuid()), Mode: 0o640, Messages: 1, Bytes: 12, Capacity: 3, MaxMessage: 50}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// wantPromptCancel checks that half of several waits end within 10 ms after a cancel, and
// all with its cause. n goroutines are asleep when one more waits.
func wantPromptCancel(t *testing.T, asleep string, n int, wait func(context.Context) error) {
	t.Helper()
	var took []time.Duration
	for range 11 {
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error)
		go func() { ended <- wait(ctx) }()
		mustAwaitAsleep(t, asleep, n)
		before := time.Now()
		cancel(errEnough)
		ipctest.WantError(t, <-ended, errEnough)
		took = append(took, time.Since(before))
	}
	ipctest.WantMedian(t, took, 10*time.Millisecond)
}

var errEnough = errors.New("enough")

// kernelQueueWaits checks how waits for queues of the kernel's end. asleep is the
// function that one goroutine waits in, and full a queue that is full.
func kernelQueueWaits(t *testing.T, asleep string, open func(t *testing.T) (empty, full Queue)) {
	receive := func(ctx context.Context, q Queue) error {
		_, err := q.Receive(ctx, nil)
		return err
	}
	send := func(ctx context.Context, q Queue) error { return q.Send(ctx, Outgoing{Body: []byte("more")}) }
	for name, wait := range map[string]func(context.Context, Queue) error{"receive": receive, "send": send} {
		// The first that waits does so in the kernel, the others for their turn.
		for _, others := range []int{0, 2} {
			t.Run(fmt.Sprint(name, "/cancel besides ", others), func(t *testing.T) {
				empty, full := open(t)
				q := map[string]Queue{"receive": empty, "send": full}[name]
				forOthers, stopOthers := context.WithCancel(t.Context())
				ended := make(chan error, others)
				for range others {
					go func() { ended <- wait(forOthers, q) }()
				}
				mustAwaitAsleep(t, asleep, others)
				wantPromptCancel(t, asleep, others+1, func(ctx context.Context) error { return wait(ctx, q) })
				if len(ended) > 0 {
					t.Errorf("another wait ended: %v", <-ended)
				}
				stopOthers()
				for range others {
					ipctest.WantError(t, <-ended, context.Canceled)
				}
			})
		}
		t.Run(name+"/close", func(t *testing.T) {
			var took []time.Duration
			for range 11 {
				empty, full := open(t)
				q := map[string]Queue{"receive": empty, "send": full}[name]
				ended := make(chan error, 3)
				for range 3 {
					go func() { ended <- wait(t.Context(), q) }()
				}
				mustAwaitAsleep(t, asleep, 3)
				before := time.Now()
				if err := q.Close(); err != nil {
					t.Error(err)
				}
				for range 3 {
					ipctest.WantError(t, <-ended, os.ErrClosed)
				}
				took = append(took, time.Since(before))
				ipctest.WantError(t, wait(t.Context(), q), os.ErrClosed)
				if err := q.Close(); err != nil {
					t.Error("closed again: ", err)
				}
			}
			ipctest.WantMedian(t, took, 10*time.Millisecond)
		})
	}
	t.Run("drain", func(t *testing.T) {
		empty, full := open(t)
		if err := empty.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		ipctest.WantError(t, full.Drain(ctx), context.DeadlineExceeded)
		ended := make(chan error)
		go func() { ended <- full.Drain(t.Context()) }()
		all, stop := context.WithCancelCause(t.Context())
		n, err := full.Len(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for m, err := range full.All(all) {
			if n > 0 && (err != nil || len(m.Body) == 0) {
				t.Errorf("%q, %v", m.Body, err)
			}
			if n--; n < 0 {
				ipctest.WantError(t, err, errEnough)
			}
			if n == 0 {
				if err := <-ended; err != nil {
					t.Error(err)
				}
				stop(errEnough)
			}
		}
		stop(nil)
	})
}

func TestPOSIXWaitsEnd(t *testing.T) {
	kernelQueueWaits(t, "mq.(*posixHandle).do", func(t *testing.T) (empty, full Queue) {
		// Small ones: the memory of all queues of a user is limited.
		small := &POSIXConfig{Capacity: 1, MaxMessage: 100}
		f := newTestPOSIX(t, small)
		sendText(t, f, "full", 0)
		return newTestPOSIX(t, small), f
	})
}

func TestPOSIXWaitersAreToldOfRemoval(t *testing.T) {
	q := newTestPOSIX(t, nil)
	ended := make(chan error)
	go func() {
		_, err := q.Receive(t.Context(), nil)
		ended <- err
	}()
	mustAwaitAsleep(t, "mq.(*posixHandle).do", 1)
	if err := RemovePOSIX(q.Name()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	ipctest.WantError(t, <-ended, breezeway.ErrRemoved)
	ipctest.WantSince(t, start, time.Second)
	// What needs no waiting still works.
	sendText(t, q, "late", 0)
	expectMessage(t, q, "late", 0)
}

func TestPOSIXAllocatesNothing(t *testing.T) {
	if ipctest.Slow() {
		t.Skip("the race detector allocates")
	}
	q := newTestPOSIX(t, nil)
	body, buf := []byte("64 bytes"), make([]byte, 8192)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if n := testing.AllocsPerRun(1000, func() {
		if err := q.Send(ctx, Outgoing{Body: body}); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Receive(ctx, buf); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// posixReceivers waits for messages of the queue Args[0] in 200 goroutines, with one
// handle or, if Args[1] is "each", with one each. It says how many threads that took, and
// then what was received.
var posixReceivers = ipctest.Helper("posix receivers", func(c *ipctest.Control) error {
	return manyReceivers(c, "mq.(*posixHandle).do", func() (Queue, error) { return OpenPOSIX(c.Args[0], nil) })
})

const receivers = 200

func manyReceivers(c *ipctest.Control, asleep string, open func() (Queue, error)) error {
	q, err := open()
	if err != nil {
		return err
	}
	ended := make(chan error, receivers)
	before := threads()
	for range receivers {
		if c.Args[1] == "each" {
			if q, err = open(); err != nil {
				return err
			}
		}
		go func() {
			_, err := q.Receive(context.Background(), nil)
			ended <- err
		}()
	}
	if err := ipctest.AwaitAsleep(asleep, receivers); err != nil {
		return err
	}
	c.Say("%d", threads()-before)
	for range receivers {
		if err := <-ended; err != nil {
			return err
		}
	}
	c.Say("received")
	return nil
}

// threads returns how many threads this process has.
func threads() int {
	entries, _ := os.ReadDir("/proc/self/task")
	return len(entries)
}

func wantFewThreads(t *testing.T, helper, name, handles string, q Queue, most int) {
	t.Helper()
	p := ipctest.Start(t, helper, name, handles)
	n, err := strconv.Atoi(p.Hear())
	if err != nil || n > most {
		t.Errorf("%d receivers took %d threads, more than %d; %v", receivers, n, most, err)
	}
	t.Logf("%d receivers took %d more threads", receivers, n)
	for range receivers {
		sendText(t, q, "x", 0)
	}
	p.Expect("received")
}

func TestPOSIX200ReceiversTakeFewThreads(t *testing.T) {
	for _, handles := range []string{"one", "each"} {
		t.Run(handles, func(t *testing.T) {
			q := newTestPOSIX(t, nil)
			wantFewThreads(t, posixReceivers, q.Name(), handles, q, 8)
		})
	}
}

// posixEcho receives from the queue Args[0] and sends each message to Args[1], until one
// is empty.
var posixEcho = ipctest.Helper("posix echo", func(c *ipctest.Control) error {
	in, err := OpenPOSIX(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := OpenPOSIX(c.Args[1], nil)
	if err != nil {
		return err
	}
	defer out.Close()
	return echo(in, out)
})

func echo(in, out Queue) error {
	for m, err := range in.All(context.Background()) {
		if err != nil {
			return err
		}
		if err := out.Send(context.Background(), Outgoing{Body: m.Body, Priority: m.Priority}); err != nil {
			return err
		}
		if len(m.Body) == 0 {
			return nil
		}
	}
	return nil
}

// pingPong sends n numbers to an echo and checks that each comes back once, in order.
func pingPong(t *testing.T, there, back Queue, n int) {
	t.Helper()
	go func() {
		for i := range n {
			if err := there.Send(t.Context(), Outgoing{Body: []byte(strconv.Itoa(i))}); err != nil {
				t.Error(err)
			}
		}
		if err := there.Send(t.Context(), Outgoing{}); err != nil {
			t.Error(err)
		}
	}()
	for i := range n {
		expectMessage(t, back, strconv.Itoa(i), 0)
	}
	expectMessage(t, back, "", 0)
}

func TestPOSIXBetweenTwoProcesses(t *testing.T) {
	there, back := newTestPOSIX(t, nil), newTestPOSIX(t, nil)
	p := ipctest.Start(t, posixEcho, there.Name(), back.Name())
	pingPong(t, there, back, ipctest.Count(100_000))
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// A receiver that is killed while it waits takes nothing with it.
func TestPOSIXKilledReceiverLosesNothing(t *testing.T) {
	there, back := newTestPOSIX(t, nil), newTestPOSIX(t, nil)
	p := ipctest.Start(t, posixReceivers, there.Name(), "one")
	p.Hear()
	p.Kill()
	sendText(t, there, "still there", 3)
	other := ipctest.Start(t, posixEcho, there.Name(), back.Name())
	expectMessage(t, back, "still there", 3)
	sendText(t, there, "", 0)
	expectMessage(t, back, "", 0)
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
}

// withPOSIXPeer exchanges messages with a program that takes /NAME send PRIORITY TEXT and
// /NAME receive COUNT.
func withPOSIXPeer(t *testing.T, peer ipctest.Program) {
	t.Helper()
	run := func(t *testing.T, args ...string) {
		t.Helper()
		if err := ipctest.StartCommand(t, peer(args...)).Wait(); err != nil {
			t.Error(err)
		}
	}
	both := func(t *testing.T, q *POSIXQueue) {
		t.Helper()
		for i, priority := range []int{3, 31, 0, 31} {
			run(t, "/"+q.Name(), "send", strconv.Itoa(priority), fmt.Sprint("from there ", i))
		}
		run(t, "/"+q.Name(), "send", "32767", "above ours")
		expectMessage(t, q, "above ours", 32767)
		expectMessage(t, q, "from there 1", 31)
		expectMessage(t, q, "from there 3", 31)
		expectMessage(t, q, "from there 0", 3)
		expectMessage(t, q, "from there 2", 0)
		for i, priority := range []int{0, 31, 5} {
			sendText(t, q, fmt.Sprint("from here ", i), priority)
		}
		p := ipctest.StartCommand(t, peer("/"+q.Name(), "receive", "4"))
		p.Expect("31 from here 1")
		p.Expect("5 from here 2")
		p.Expect("0 from here 0")
		sendText(t, q, "for one that waits", 1)
		p.Expect("1 for one that waits")
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
		// And the other way round: we wait.
		ended := make(chan Message)
		go func() {
			m, _ := q.Receive(t.Context(), nil)
			ended <- m
		}()
		mustAwaitAsleep(t, "mq.(*posixHandle).do", 1)
		run(t, "/"+q.Name(), "send", "9", "awaited")
		if m := <-ended; string(m.Body) != "awaited" || m.Priority != 9 {
			t.Errorf("%q of %d", m.Body, m.Priority)
		}
	}
	t.Run("ours", func(t *testing.T) { both(t, newTestPOSIX(t, nil)) })
	t.Run("theirs", func(t *testing.T) {
		name := ipctest.UniqueName()
		run(t, "/"+name, "send", "0", "first")
		defer RemovePOSIX(name)
		q := openTestPOSIX(t, name)
		expectMessage(t, q, "first", 0)
		both(t, q)
	})
}

func TestPOSIXWithC(t *testing.T) { withPOSIXPeer(t, ipctest.C(t, "testdata/posix.c")) }

func TestPOSIXWithPython(t *testing.T) { withPOSIXPeer(t, ipctest.Python(t, "testdata/posix.py")) }

func TestPOSIXWithEveryPython(t *testing.T) {
	q := newTestPOSIX(t, nil)
	for python, peer := range ipctest.Pythons(t, 6, "testdata/posix.py") {
		sendText(t, q, "to "+python, 7)
		p := ipctest.StartCommand(t, peer("/"+q.Name(), "receive", "1"))
		p.Expect("7 to " + python)
		answer := ipctest.StartCommand(t, peer("/"+q.Name(), "send", "5", "from "+python))
		if err := errors.Join(p.Wait(), answer.Wait()); err != nil {
			t.Fatal(err)
		}
		expectMessage(t, q, "from "+python, 5)
	}
}
