package mq

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// newTestSystemV makes a queue with a key that is free.
func newTestSystemV(t testing.TB, cfg *SystemVConfig) *SystemVQueue {
	t.Helper()
	for {
		q, err := CreateSystemV(fmt.Sprintf("%#x", rand.Uint32()|1), cfg)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		return keepSystemV(t, q, err)
	}
}

func keepSystemV(t testing.TB, q *SystemVQueue, err error) *SystemVQueue {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		ipctest.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		q.Close()
		sys.MsgRemove(q.id)
	})
	return q
}

func openTestSystemV(t testing.TB, name string, cfg *SystemVConfig) *SystemVQueue {
	t.Helper()
	q, err := OpenSystemV(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

func sendTyped(t testing.TB, q *SystemVQueue, of int, text string) {
	t.Helper()
	if err := q.SendWithType(t.Context(), of, Outgoing{Body: []byte(text)}); err != nil {
		t.Fatal(err)
	}
}

func expectTyped(t testing.TB, q *SystemVQueue, of int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	if m, got, err := q.ReceiveWithType(ctx, nil); err != nil || string(m.Body) != text || got != of {
		t.Fatalf("received %q of type %d, %v; want %q of %d", m.Body, got, err, text, of)
	}
}

func TestSystemVTypes(t *testing.T) {
	whole := newTestSystemV(t, &SystemVConfig{SendType: 7})
	second := openTestSystemV(t, whole.Name(), &SystemVConfig{ReceiveType: 2})
	lowest := openTestSystemV(t, whole.Name(), &SystemVConfig{ReceiveType: -5})
	for i, of := range []int{5, 2, 3, 2, 6} {
		sendTyped(t, whole, of, strconv.Itoa(i))
	}
	sendText(t, whole, "default", 0)
	expectTyped(t, second, 2, "1")
	expectTyped(t, whole, 5, "0")
	expectTyped(t, lowest, 2, "3")
	expectTyped(t, lowest, 3, "2")
	if m, ok, err := lowest.TryReceive(nil); ok || err != nil {
		t.Errorf("%q, %v", m.Body, err)
	}
	expectTyped(t, whole, 6, "4")
	expectTyped(t, whole, 7, "default")
	ipctest.WantError(t, whole.SendWithType(t.Context(), 0, Outgoing{}), os.ErrInvalid, "type")
	for _, cfg := range []SystemVConfig{{SendType: -1}, {Project: 256}, {CapacityBytes: -1}} {
		_, err := OpenSystemV(whole.Name(), &cfg)
		ipctest.WantError(t, err, os.ErrInvalid)
	}
}

func TestSystemVEmptyLongAndShort(t *testing.T) {
	q := newTestSystemV(t, nil)
	sendText(t, q, "", 0)
	if m, err := q.Receive(t.Context(), nil); err != nil || m.Body == nil || len(m.Body) != 0 {
		t.Errorf("an empty message came as %+v, %v", m, err)
	}
	sendText(t, q, "", 0)
	if m, ok, err := q.TryReceive([]byte{}); err != nil || !ok || len(m.Body) != 0 {
		t.Errorf("an empty message came as %+v, %v, %v", m, ok, err)
	}
	most, err := sys.MsgMax()
	if err != nil {
		t.Fatal(err)
	}
	ipctest.WantError(t, q.Send(t.Context(), Outgoing{Body: make([]byte, most+1)}), breezeway.ErrTooLarge, strconv.Itoa(most))
	sendText(t, q, "kept", 0)
	for _, size := range []int{0, 3} {
		_, err := q.Receive(t.Context(), make([]byte, size))
		ipctest.WantError(t, err, breezeway.ErrTooLarge, strconv.Itoa(size)+" bytes")
		_, ok, err := q.TryReceive(make([]byte, size))
		ipctest.WantError(t, err, breezeway.ErrTooLarge)
		if ok {
			t.Error("it took the message")
		}
	}
	buf := make([]byte, 4)
	if m, err := q.Receive(t.Context(), buf); err != nil || string(m.Body) != "kept" || &m.Body[0] != &buf[0] {
		t.Errorf("%q, %v", m.Body, err)
	}
	// A message that is longer than kernel.msgmax is now.
	q.room.Store(10)
	sendText(t, q, "longer than 10 bytes, and than 20 too", 0)
	expectMessage(t, q, "longer than 10 bytes, and than 20 too", 0)
	q.room.Store(10)
	sendText(t, q, "fifteen letters", 0)
	if m, err := q.Receive(t.Context(), make([]byte, 15)); err != nil || string(m.Body) != "fifteen letters" {
		t.Errorf("%q, %v", m.Body, err)
	}
}

func TestSystemVRefusesWhatTheKernelLacks(t *testing.T) {
	q := newTestSystemV(t, nil)
	ctx := t.Context()
	ipctest.WantError(t, q.Send(ctx, Outgoing{TTL: 1}), errors.ErrUnsupported, "TTL", "mq.Create")
	ipctest.WantError(t, q.Send(ctx, Outgoing{ID: "x"}), errors.ErrUnsupported, "ID")
	ipctest.WantError(t, q.Send(ctx, Outgoing{Priority: 1}), errors.ErrUnsupported, "types")
	ipctest.WantError(t, q.Send(ctx, Outgoing{Priority: 32}), os.ErrInvalid)
	_, err := q.Lease(ctx, nil)
	ipctest.WantError(t, err, errors.ErrUnsupported, "lease")
	_, _, err = ipcsync.WaitAny(ctx, q)
	ipctest.WantError(t, err, errors.ErrUnsupported, "WaitAny")
}

func TestSystemVFullQueue(t *testing.T) {
	q := newTestSystemV(t, &SystemVConfig{CapacityBytes: 10})
	sendText(t, q, "12345678", 0)
	ipctest.WantError(t, q.TrySend(Outgoing{Body: []byte("abc")}), ErrFull)
	// What never fits doesn't wait.
	ipctest.WantError(t, q.Send(t.Context(), Outgoing{Body: make([]byte, 11)}), breezeway.ErrTooLarge, "10")
	s, err := q.Stats(t.Context())
	want := Stats{Messages: 1, Bytes: 8, Capacity: -1, CapacityBytes: 10, MaxMessage: 10, Sent: -1, Received: -1, Waiters: -1}
	if s != want || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
	ended := make(chan error)
	go func() { ended <- q.Send(t.Context(), Outgoing{Body: []byte("abc")}) }()
	mustAwaitAsleep(t, "mq.(*systemVHandle).wait", 1)
	expectMessage(t, q, "12345678", 0)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	expectMessage(t, q, "abc", 0)
}

func TestSystemVNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	_, err := CreateSystemV(file, nil)
	ipctest.WantError(t, err, os.ErrNotExist, "no file")
	if strings.Contains(err.Error(), "create it") {
		t.Error(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := &SystemVConfig{Project: 'B', Mode: 0o640}
	q, err := OpenOrCreateSystemV(file, cfg)
	keepSystemV(t, q, err)
	_, err = CreateSystemV(file, cfg)
	ipctest.WantError(t, err, os.ErrExist, "mq.OpenSystemV")
	again, err := OpenOrCreateSystemV(file, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !q.Created() || again.Created() || again.Name() != file {
		t.Errorf("created: %v, %v; name %q", q.Created(), again.Created(), again.Name())
	}
	_, err = OpenOrCreateSystemV(file, &SystemVConfig{Project: 'B', CapacityBytes: 5})
	ipctest.WantError(t, err, breezeway.ErrMismatch, "CapacityBytes")
	sendText(t, q, "five!", 0)

	infos, err := ListSystemV()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(infos, func(info SystemVInfo) bool { return info.ID == q.id })
	if i < 0 {
		t.Fatalf("it isn't in %+v", infos)
	}
	me := strconv.Itoa(os.Geteuid())
	info := infos[i]
	if info.Modified.IsZero() || info.Owner != me || info.Creator != me || info.Mode != 0o640 || info.Messages != 1 || info.Bytes != 5 {
		t.Errorf("%+v", info)
	}
	byKey := openTestSystemV(t, info.Name(), nil)
	expectMessage(t, byKey, "five!", 0)

	if err := RemoveSystemV(file, cfg); err != nil {
		t.Fatal(err)
	}
	_, err = OpenSystemV(file, cfg)
	ipctest.WantError(t, err, os.ErrNotExist, "mq.CreateSystemV")
	ipctest.WantError(t, RemoveSystemV(file, cfg), os.ErrNotExist)
	for _, bad := range []string{"", "0", "0x100000000", "-1", "jobs", "./key"} {
		_, err = OpenSystemV(bad, nil)
		ipctest.WantError(t, err, os.ErrInvalid)
	}
}

func TestSystemVOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "a queue of another user needs root")
	}
	const other = 4711
	q := newTestSystemV(t, nil)
	st, err := sys.MsgStat(q.id)
	if err != nil {
		t.Fatal(err)
	}
	st.UID = other
	if err := sys.MsgSet(q.id, &st); err != nil {
		t.Fatal(err)
	}
	_, err = OpenSystemV(q.Name(), nil)
	ipctest.WantError(t, err, os.ErrPermission, "4711", "Trust")
	openTestSystemV(t, q.Name(), &SystemVConfig{Trust: []string{"4711"}})
}

func TestSystemVWaitsEnd(t *testing.T) {
	kernelQueueWaits(t, "mq.(*systemVHandle).wait", func(t *testing.T) (empty, full Queue) {
		f := newTestSystemV(t, &SystemVConfig{CapacityBytes: 5})
		sendText(t, f, "full", 0)
		return newTestSystemV(t, nil), f
	})
}

func TestSystemVWaitersAreToldOfRemoval(t *testing.T) {
	q := newTestSystemV(t, nil)
	ended := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := q.Receive(t.Context(), nil)
			ended <- err
		}()
	}
	mustAwaitAsleep(t, "mq.(*systemVHandle).wait", 3)
	if err := RemoveSystemV(q.Name(), nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ipctest.WantError(t, <-ended, breezeway.ErrRemoved)
	}
	ipctest.WantError(t, q.Send(t.Context(), Outgoing{}), breezeway.ErrRemoved)
	_, err := q.Len(t.Context())
	ipctest.WantError(t, err, breezeway.ErrRemoved)
}

// systemVReceivers is posixReceivers for System V.
var systemVReceivers = ipctest.Helper("system V receivers", func(c *ipctest.Control) error {
	return manyReceivers(c, "mq.(*systemVHandle).wait", func() (Queue, error) { return OpenSystemV(c.Args[0], nil) })
})

func TestSystemV200ReceiversTakeFewThreads(t *testing.T) {
	q := newTestSystemV(t, nil)
	wantFewThreads(t, systemVReceivers, q.Name(), "one", q, 8)
}

var systemVEcho = ipctest.Helper("system V echo", func(c *ipctest.Control) error {
	in, err := OpenSystemV(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := OpenSystemV(c.Args[1], nil)
	if err != nil {
		return err
	}
	defer out.Close()
	return echo(in, out)
})

func TestSystemVBetweenTwoProcesses(t *testing.T) {
	there, back := newTestSystemV(t, nil), newTestSystemV(t, nil)
	p := ipctest.Start(t, systemVEcho, there.Name(), back.Name())
	pingPong(t, there, back, ipctest.Count(100_000))
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestSystemVKilledReceiverLosesNothing(t *testing.T) {
	there, back := newTestSystemV(t, nil), newTestSystemV(t, nil)
	p := ipctest.Start(t, systemVReceivers, there.Name(), "one")
	p.Hear()
	p.Kill()
	sendText(t, there, "still there", 0)
	other := ipctest.Start(t, systemVEcho, there.Name(), back.Name())
	expectMessage(t, back, "still there", 0)
	sendText(t, there, "", 0)
	expectMessage(t, back, "", 0)
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
}

func TestSystemVWithC(t *testing.T) {
	peer := ipctest.C(t, "testdata/systemv.c")
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		t.Helper()
		if err := ipctest.StartCommand(t, peer(append([]string{file, "A"}, args...)...)).Wait(); err != nil {
			t.Error(err)
		}
	}
	// Theirs, found by the same file.
	run("send", "3", "three")
	q, err := OpenSystemV(file, &SystemVConfig{Project: 'A'})
	keepSystemV(t, q, err)
	run("send", "1", "one")
	third := openTestSystemV(t, file, &SystemVConfig{Project: 'A', ReceiveType: 3})
	run("send", "3", "three again")
	expectTyped(t, third, 3, "three")
	expectTyped(t, q, 1, "one")
	expectTyped(t, q, 3, "three again")

	sendText(t, q, "of type one", 0)
	sendTyped(t, q, 9, "of type nine")
	sendTyped(t, q, 4, "of type four")
	nine := ipctest.StartCommand(t, peer(file, "A", "receive", "9", "2"))
	nine.Expect("9 of type nine")
	lowest := ipctest.StartCommand(t, peer(file, "A", "receive", "-5", "2"))
	lowest.Expect("1 of type one")
	lowest.Expect("4 of type four")
	sendTyped(t, q, 9, "for one that waits")
	nine.Expect("9 for one that waits")
	for _, p := range []*ipctest.Process{nine, lowest} {
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
	// And the other way round: we wait.
	ended := make(chan error)
	go func() {
		m, of, err := third.ReceiveWithType(t.Context(), nil)
		if string(m.Body) != "awaited" || of != 3 {
			err = errors.Join(err, fmt.Errorf("%q of %d", m.Body, of))
		}
		ended <- err
	}()
	mustAwaitAsleep(t, "mq.(*systemVHandle).wait", 1)
	run("send", "2", "not awaited")
	run("send", "3", "awaited")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	expectTyped(t, q, 2, "not awaited")
}

func TestParseSystemV(t *testing.T) {
	const text = `       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime
-559038737      32769   640           5          1 21111     0  1000   100  1001   100 1700000000          0 1699999999
`
	infos, err := parseSystemV([]byte(text))
	if err != nil || len(infos) != 1 {
		t.Fatalf("%+v, %v", infos, err)
	}
	i := infos[0]
	if i.Name() != "0xdeadbeef" || i.ID != 32769 || i.Mode != 0o640 || i.Owner != "1000" || i.Creator != "1001" || i.Bytes != 5 || i.Messages != 1 || i.Modified.Unix() != 1700000000 {
		t.Errorf("%s, %+v", i.Name(), i)
	}
	if _, err := parseSystemV([]byte("key\nother text\n")); err == nil {
		t.Error("another form is read without an error")
	}
}
