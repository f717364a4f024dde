package ring

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

func newRing[T any](t testing.TB, cfg *Config) *Ring[T] {
	t.Helper()
	name := ipctest.UniqueName()
	r, err := Create[T](name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAndRemove(t, r, name) })
	return r
}

func newBytes(t testing.TB, cfg *Config) *Bytes {
	t.Helper()
	name := ipctest.UniqueName()
	b, err := CreateBytes(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAndRemove(t, b, name) })
	return b
}

func closeAndRemove(t testing.TB, r interface{ Close() error }, name string) {
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := Remove(name, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func mustSend(t testing.TB, s *Sender[uint64], values ...uint64) {
	t.Helper()
	for _, v := range values {
		ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
		l, err := s.Loan(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		*l.Value() = v
		if err := l.Send(); err != nil {
			t.Fatal(err)
		}
	}
}

func mustReceive(t testing.TB, r *Receiver[uint64]) Sample[uint64] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	return must[Sample[uint64]](t)(r.Receive(ctx))
}

// awaitWaiter waits until a goroutine is parked at the ring.
func awaitWaiter(t testing.TB, r *Ring[uint64]) {
	t.Helper()
	for deadline := time.Now().Add(ipctest.Patience); ; time.Sleep(time.Millisecond) {
		if st, err := r.Stats(); err != nil || time.Now().After(deadline) {
			t.Fatal("no goroutine waits: ", err)
		} else if st.Waiters > 0 {
			return
		}
	}
}

// wantValues receives and releases the values, and fails unless these are all that is there.
func wantValues(t testing.TB, r *Receiver[uint64], want ...uint64) {
	t.Helper()
	var got []uint64
	for {
		s, ok, err := r.TryReceive()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		got = append(got, *s.Value())
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("received %v, want %v", got, want)
	}
}

func wantFull(t testing.TB, s *Sender[uint64]) {
	t.Helper()
	if _, ok, err := s.TryLoan(); ok || err != nil {
		t.Fatalf("TryLoan in a full ring: %t, %v", ok, err)
	}
}

var allShapes = []Shape{OneToOne, ManyToOne, Broadcast}

func TestExactlyFull(t *testing.T) {
	for _, shape := range allShapes {
		for _, capacity := range []int{1, 2, 4, 64} {
			exactlyFull(t, &Config{Shape: shape, Capacity: capacity})
			exactlyFull(t, &Config{Shape: shape, Capacity: capacity, Mode: 0o666}) // may be truncated
		}
	}
}

func exactlyFull(t *testing.T, cfg *Config) {
	t.Helper()
	capacity := cfg.Capacity
	r := newRing[uint64](t, cfg)
	in := must[*Receiver[uint64]](t)(r.Receiver())
	out := must[*Sender[uint64]](t)(r.Sender())
	for lap := range uint64(3) {
		var want []uint64
		for i := range uint64(capacity) {
			want = append(want, 100*lap+i)
		}
		mustSend(t, out, want...)
		wantFull(t, out)
		wantValues(t, in, want...)
	}
}

// Words have the lower 32 bits of positions. These come round.
func TestPositionsComeRound(t *testing.T) {
	const cells, start = 8, 1<<32 - 20
	for _, shape := range allShapes {
		r := newRing[uint64](t, &Config{Shape: shape, Capacity: cells, Start: StartOldest})
		c := r.c
		for pos := uint64(start - cells); pos <= start; pos++ {
			c.cells.put(pos, wordOf(empty, pos, 0))
		}
		c.h.tail.Store(start)
		c.h.oldest.Store(start)
		c.lines[0].cursor.Store(start << cursorShift)
		c.lines[0].taken.Store(start)
		in, out := must[*Receiver[uint64]](t)(r.Receiver()), must[*Sender[uint64]](t)(r.Sender())
		for i := range uint64(10) {
			mustSend(t, out, 3*i, 3*i+1, 3*i+2)
			wantValues(t, in, 3*i, 3*i+1, 3*i+2)
		}
		if r.c.h.tail.Load() < 1<<32 {
			t.Errorf("%v: the positions have not come round: %#x", shape, r.c.h.tail.Load())
		}
	}
}

func TestUseAfterClose(t *testing.T) {
	r := newRing[uint64](t, nil)
	in, out := must[*Receiver[uint64]](t)(r.Receiver()), must[*Sender[uint64]](t)(r.Sender())
	mustSend(t, out, 1, 2)
	s := mustReceive(t, in)
	l := must[Loan[uint64]](t)(out.Loan(t.Context()))
	if err := errors.Join(in.Close(), out.Close(), in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Receive(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Receive: %v", err)
	}
	if err := s.Release(); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Release: %v", err)
	}
	if err := l.Send(); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Send: %v", err)
	}
}

func TestSendWaitsForRoom(t *testing.T) {
	for _, shape := range allShapes {
		r := newRing[uint64](t, &Config{Shape: shape, Capacity: 4})
		in := must[*Receiver[uint64]](t)(r.Receiver())
		out := must[*Sender[uint64]](t)(r.Sender())
		mustSend(t, out, 1, 2, 3, 4)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			mustSend(t, out, 5)
		}()
		awaitWaiter(t, r)
		if err := mustReceive(t, in).Release(); err != nil {
			t.Fatal(err)
		}
		<-sent
		wantValues(t, in, 2, 3, 4, 5)
	}
}

func TestReceiveWaits(t *testing.T) {
	for _, w := range []Wait{WaitAdaptive, WaitSpin, WaitPark} {
		r := newRing[uint64](t, &Config{Wait: w})
		in := must[*Receiver[uint64]](t)(r.Receiver())
		out := must[*Sender[uint64]](t)(r.Sender())
		got := make(chan uint64)
		go func() { got <- *mustReceive(t, in).Value() }()
		if w == WaitPark {
			awaitWaiter(t, r)
		}
		mustSend(t, out, 7)
		if v := <-got; v != 7 {
			t.Errorf("%v: received %d", w, v)
		}
	}
}

func TestWaitsEndWithTheirContext(t *testing.T) {
	for _, w := range []Wait{WaitAdaptive, WaitSpin, WaitPark} {
		r := newRing[uint64](t, &Config{Wait: w, Capacity: 1})
		in := must[*Receiver[uint64]](t)(r.Receiver())
		out := must[*Sender[uint64]](t)(r.Sender())
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() {
			_, err := in.Receive(ctx)
			done <- err
		}()
		why := errors.New("enough")
		cancel(why)
		if err := <-done; !errors.Is(err, why) {
			t.Errorf("%v: Receive: %v", w, err)
		}
		mustSend(t, out, 1)
		if _, err := out.Loan(ctx); !errors.Is(err, why) {
			t.Errorf("%v: Loan: %v", w, err)
		}
	}
}

func TestCloseEndsWaits(t *testing.T) {
	r := must[*Ring[uint64]](t)(Create[uint64](ipctest.UniqueName(), nil))
	defer Remove(r.Name(), nil)
	in := must[*Receiver[uint64]](t)(r.Receiver())
	out := must[*Sender[uint64]](t)(r.Sender())
	done := make(chan error)
	go func() {
		_, err := in.Receive(t.Context())
		done <- err
	}()
	awaitWaiter(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if _, err := out.Loan(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if err := out.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestLoanThatWasSentOrGivenUp(t *testing.T) {
	for _, shape := range allShapes {
		r := newRing[uint64](t, &Config{Shape: shape, Capacity: 8})
		in := must[*Receiver[uint64]](t)(r.Receiver())
		out := must[*Sender[uint64]](t)(r.Sender())
		first := must[Loan[uint64]](t)(out.Loan(t.Context()))
		second := must[Loan[uint64]](t)(out.Loan(t.Context()))
		*second.Value() = 2
		if err := second.Send(); err != nil {
			t.Fatal(err)
		}
		for _, l := range []Loan[uint64]{first, second, {}} {
			if err := l.Send(); !errors.Is(err, os.ErrInvalid) {
				t.Errorf("%v: Send again: %v", shape, err)
			}
		}
		s := mustReceive(t, in)
		if *s.Value() != 2 {
			t.Errorf("%v: received %d", shape, *s.Value())
		}
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
		for _, s := range []Sample[uint64]{s, {}} {
			if err := s.Release(); !errors.Is(err, os.ErrInvalid) {
				t.Errorf("%v: Release again: %v", shape, err)
			}
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Loan(t.Context()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v: Loan after Close: %v", shape, err)
		}
	}
}

func TestSamplesAreReleasedInOrder(t *testing.T) {
	r := newRing[uint64](t, nil)
	in := must[*Receiver[uint64]](t)(r.Receiver())
	mustSend(t, must[*Sender[uint64]](t)(r.Sender()), 1, 2)
	first, second := mustReceive(t, in), mustReceive(t, in)
	if err := second.Release(); !errors.Is(err, os.ErrInvalid) {
		t.Fatal(err)
	}
	if err := errors.Join(first.Release(), second.Release()); err != nil {
		t.Fatal(err)
	}
}

func TestBatches(t *testing.T) {
	for _, shape := range allShapes {
		r := newRing[uint64](t, &Config{Shape: shape, Capacity: 8})
		in := must[*Receiver[uint64]](t)(r.Receiver())
		out := must[*Sender[uint64]](t)(r.Sender())
		for lap := range uint64(5) {
			b := must[Batch[uint64]](t)(out.LoanN(t.Context(), 3))
			for i := range b.Len() {
				*b.Value(i) = lap*3 + uint64(i)
			}
			if b.Value(3) != nil || b.Value(-1) != nil {
				t.Error("there is room beyond the batch")
			}
			if err := b.Send(); err != nil {
				t.Fatal(err)
			}
			var got []uint64
			for len(got) < 3 {
				s := must[Samples[uint64]](t)(in.ReceiveBatch(t.Context(), 2))
				for i := range s.Len() {
					got = append(got, *s.Value(i))
				}
				if err := s.Release(); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(got, []uint64{lap * 3, lap*3 + 1, lap*3 + 2}) {
				t.Fatalf("%v: received %v", shape, got)
			}
		}
		if _, err := out.LoanN(t.Context(), 5); !errors.Is(err, breezeway.ErrTooLarge) {
			t.Error(err)
		}
	}
}

func TestAllReleases(t *testing.T) {
	r := newRing[uint64](t, &Config{Capacity: 2})
	in := must[*Receiver[uint64]](t)(r.Receiver())
	out := must[*Sender[uint64]](t)(r.Sender())
	next := uint64(0)
	mustSend(t, out, 0, 1)
	for s, err := range in.All(t.Context()) {
		if err != nil || *s.Value() != next {
			t.Fatalf("message %d: %v", next, err)
		}
		if next++; next == 10 {
			break
		}
		if next%2 == 0 {
			if err := s.Release(); err != nil {
				t.Fatal(err)
			}
			mustSend(t, out, next, next+1)
		}
	}
}

func TestManySenders(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: ManyToOne, Capacity: 4})
	in := must[*Receiver[uint64]](t)(r.Receiver())
	a, b := must[*Sender[uint64]](t)(r.Sender()), must[*Sender[uint64]](t)(r.Sender())
	la := must[Loan[uint64]](t)(a.Loan(t.Context()))
	lb := must[Loan[uint64]](t)(b.Loan(t.Context()))
	*la.Value(), *lb.Value() = 1, 2
	if err := lb.Send(); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := in.TryReceive(); ok || err != nil {
		t.Fatalf("received what comes after a loan: %v", err)
	}
	if err := la.Send(); err != nil {
		t.Fatal(err)
	}
	wantValues(t, in, 1, 2)
	must[Loan[uint64]](t)(a.Loan(t.Context()))
	mustSend(t, b, 3)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	wantValues(t, in, 3)
}

func TestOnlyOneOfAKind(t *testing.T) {
	r := newRing[uint64](t, nil)
	s := must[*Sender[uint64]](t)(r.Sender())
	v := must[*Receiver[uint64]](t)(r.Receiver())
	if _, err := r.Sender(); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	if _, err := r.Receiver(); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	mustSend(t, s, 1, 2, 3)
	first := mustReceive(t, v)
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	mustReceive(t, v)
	if err := errors.Join(s.Close(), v.Close()); err != nil {
		t.Fatal(err)
	}
	s, v = must[*Sender[uint64]](t)(r.Sender()), must[*Receiver[uint64]](t)(r.Receiver())
	mustSend(t, s, 4)
	for i, want := range []bool{true, false, false} {
		got := mustReceive(t, v)
		if *got.Value() != uint64(i+2) || got.Redelivered() != want {
			t.Errorf("received %d, redelivered: %t", *got.Value(), got.Redelivered())
		}
	}
}

func TestBroadcastToAll(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: Broadcast, Capacity: 8, Receivers: 2})
	a, b := must[*Receiver[uint64]](t)(r.Receiver()), must[*Receiver[uint64]](t)(r.Receiver())
	if _, err := r.Receiver(); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Error(err)
	}
	out := must[*Sender[uint64]](t)(r.Sender())
	mustSend(t, out, 1, 2, 3, 4, 5, 6, 7, 8)
	wantValues(t, a, 1, 2, 3, 4, 5, 6, 7, 8)
	wantFull(t, out)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	mustSend(t, out, 9)
	wantValues(t, a, 9)
}

func TestLateReceiver(t *testing.T) {
	for _, start := range []Start{StartNewest, StartOldest} {
		r := newRing[uint64](t, &Config{Shape: Broadcast, Capacity: 8, Start: start})
		out := must[*Sender[uint64]](t)(r.Sender())
		for i := range uint64(20) {
			mustSend(t, out, i)
		}
		in := must[*Receiver[uint64]](t)(r.Receiver())
		if start == StartNewest {
			mustSend(t, out, 20)
			wantValues(t, in, 20)
			continue
		}
		wantFull(t, out) // what is kept is all that there is room for
		for want := uint64(12); want < 20; want++ {
			s := mustReceive(t, in)
			if *s.Value() != want {
				t.Errorf("received %d, want %d", *s.Value(), want)
			}
			if err := s.Release(); err != nil {
				t.Fatal(err)
			}
		}
		mustSend(t, out, 20)
	}
}

func TestSlowReceiverSkips(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: Broadcast, Slow: SlowSkip, Capacity: 8})
	out := must[*Sender[uint64]](t)(r.Sender())
	in := must[*Receiver[uint64]](t)(r.Receiver())
	mustSend(t, out, 0)
	held := mustReceive(t, in)
	for i := uint64(1); i < 100; i++ {
		mustSend(t, out, i)
	}
	if *held.Value() != 0 {
		t.Errorf("what is held was overwritten: %d", *held.Value())
	}
	if _, err := in.Receive(t.Context()); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Receive with a sample: %v", err)
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	got, last := uint64(1), uint64(0)
	for {
		s, ok, err := in.TryReceive()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if last = *s.Value(); last != got+in.Skipped() {
			t.Fatalf("message %d after %d, %d skipped", last, got, in.Skipped())
		}
		got++
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if last != 99 || got < 5 {
		t.Errorf("received %d up to %d", got, last)
	}
}

func TestSlowReceiverIsDisconnected(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: Broadcast, Slow: SlowDisconnect, Capacity: 8})
	out := must[*Sender[uint64]](t)(r.Sender())
	slow, quick := must[*Receiver[uint64]](t)(r.Receiver()), must[*Receiver[uint64]](t)(r.Receiver())
	for i := range uint64(20) {
		mustSend(t, out, i)
		wantValues(t, quick, i)
	}
	if _, err := slow.Receive(t.Context()); !errors.Is(err, ErrDisconnected) {
		t.Fatal(err)
	}
	if err := slow.Close(); err != nil {
		t.Fatal(err)
	}
	again := must[*Receiver[uint64]](t)(r.Receiver())
	mustSend(t, out, 20)
	wantValues(t, again, 20)
}

func TestBytesOfAllLengths(t *testing.T) {
	for _, shape := range allShapes {
		for _, slow := range []Slow{SlowBlock, SlowSkip} {
			if slow != SlowBlock && shape != Broadcast {
				continue
			}
			b := newBytes(t, &Config{Shape: shape, Slow: slow, CapacityBytes: 4096})
			in := must[*BytesReceiver](t)(b.Receiver())
			out := must[*BytesSender](t)(b.Sender())
			for i := range 3 * b.MaxMessage() / 2 {
				n := i % (b.MaxMessage() + 1)
				l := must[BytesLoan](t)(out.Loan(t.Context(), n))
				want := bytes.Repeat([]byte{byte(i), 0xff}, n/2+1)[:n]
				if copy(l.Bytes(), want) != n {
					t.Fatalf("room for %d bytes, not %d", len(l.Bytes()), n)
				}
				if err := l.Send(); err != nil {
					t.Fatal(err)
				}
				s := must[BytesSample](t)(in.Receive(t.Context()))
				if !bytes.Equal(s.Bytes(), want) {
					t.Fatalf("message %d of %d bytes came as %d bytes", i, n, len(s.Bytes()))
				}
				if err := s.Release(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := out.Loan(t.Context(), b.MaxMessage()+1); !errors.Is(err, breezeway.ErrTooLarge) {
				t.Error(err)
			}
		}
	}
}

func TestRemove(t *testing.T) {
	if ipctest.UnderWine() {
		t.Skip("Windows removes nothing that is open")
	}
	r := newRing[uint64](t, &Config{Capacity: 4})
	in, out := must[*Receiver[uint64]](t)(r.Receiver()), must[*Sender[uint64]](t)(r.Sender())
	mustSend(t, out, 1, 2)
	if err := Remove(r.Name(), nil); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := out.Loan(t.Context()); err != nil {
			break
		}
		mustSend(t, out, 3)
	}
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	if _, err := out.Loan(ctx); !errors.Is(err, breezeway.ErrRemoved) {
		t.Errorf("Loan: %v", err)
	}
	for {
		s, err := in.Receive(ctx)
		if err != nil {
			if !errors.Is(err, breezeway.ErrRemoved) {
				t.Errorf("Receive: %v", err)
			}
			return
		}
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMismatches(t *testing.T) {
	r := newRing[uint64](t, nil)
	b := newBytes(t, nil)
	for what, open := range map[string]func() error{
		"another type":     func() error { _, err := Open[int32](r.Name(), nil); return err },
		"a type for bytes": func() error { _, err := Open[uint64](b.Name(), nil); return err },
		"bytes for a type": func() error { _, err := OpenBytes(r.Name(), nil); return err },
		"another shape": func() error {
			_, err := OpenOrCreate[uint64](r.Name(), &Config{Shape: ManyToOne})
			return err
		},
	} {
		if err := open(); !errors.Is(err, breezeway.ErrMismatch) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Create[*int](ipctest.UniqueName(), nil); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("a pointer: %v", err)
	}
	for _, cfg := range []*Config{{Capacity: -1}, {Slow: SlowSkip}, {Receivers: 2}, {CapacityBytes: 4096}, {Shape: 9}, {Wait: -1}} {
		if _, err := Create[uint64](ipctest.UniqueName(), cfg); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestStatAndList(t *testing.T) {
	r := newRing[uint64](t, &Config{Capacity: 8})
	mustSend(t, must[*Sender[uint64]](t)(r.Sender()), 1, 2, 3)
	must[*Receiver[uint64]](t)(r.Receiver())
	st := must[Stats](t)(Stat(r.Name(), nil))
	if !st.Typed || st.MaxMessage != 8 || st.Capacity != 512 || st.Used != 192 || st.Senders != 1 ||
		len(st.Receivers) != 1 || st.Receivers[0].PID != os.Getpid() {
		t.Errorf("%+v", st)
	}
	if names := must[[]string](t)(List(nil)); !slices.Contains(names, r.Name()) {
		t.Errorf("%q is not in %q", r.Name(), names)
	}
}

func TestZeroValues(t *testing.T) {
	var r *Ring[uint64]
	var s *Sender[uint64]
	var v *Receiver[uint64]
	for what, call := range map[string]func() error{
		"Sender":   func() error { _, err := r.Sender(); return err },
		"Receiver": func() error { _, err := (&Ring[uint64]{}).Receiver(); return err },
		"Close":    r.Close,
		"Stats":    func() error { _, err := r.Stats(); return err },
		"Loan":     func() error { _, err := s.Loan(t.Context()); return err },
		"LoanN":    func() error { _, err := (&Sender[uint64]{}).LoanN(t.Context(), 1); return err },
		"Receive":  func() error { _, err := v.Receive(t.Context()); return err },
		"Batch":    func() error { _, err := v.ReceiveBatch(t.Context(), 1); return err },
		"Send":     Batch[uint64]{}.Send,
		"Release":  Samples[uint64]{}.Release,
		"bytes":    func() error { _, err := (*BytesSender)(nil).Loan(t.Context(), 1); return err },
		"bytes in": func() error { _, err := (&BytesReceiver{}).Receive(t.Context()); return err },
		"open":     func() error { _, err := (&Bytes{}).Sender(); return err },
	} {
		if err := call(); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWaitAnyTakesReceivers(t *testing.T) {
	e := must[*ipcsync.Event](t)(ipcsync.OpenOrCreateEvent(ipctest.UniqueName(), nil))
	defer ipcsync.Remove(ipcsync.KindEvent, e.Name(), nil)
	defer e.Close()
	r := newRing[uint64](t, nil)
	in := must[*Receiver[uint64]](t)(r.Receiver())
	out := must[*Sender[uint64]](t)(r.Sender())
	got := make(chan int)
	go func() {
		i, _, err := ipcsync.WaitAny(t.Context(), e, in)
		if err != nil {
			t.Error(err)
		}
		got <- i
	}()
	awaitWaiter(t, r)
	mustSend(t, out, 7)
	if i := <-got; i != 1 {
		t.Errorf("%d is ready", i)
	}
	wantValues(t, in, 7)
}

func TestNothingIsAllocated(t *testing.T) {
	for _, shape := range allShapes {
		for _, mode := range []fs.FileMode{0o600, 0o666} { // with 0666 the memory may be truncated
			nothingIsAllocated(t, &Config{Shape: shape, Mode: mode})
		}
	}
	nothingIsAllocated(t, &Config{Shape: Broadcast, Slow: SlowSkip})
}

func nothingIsAllocated(t *testing.T, cfg *Config) {
	t.Helper()
	r, b := newRing[uint64](t, cfg), newBytes(t, cfg)
	in, out := must[*Receiver[uint64]](t)(r.Receiver()), must[*Sender[uint64]](t)(r.Sender())
	bin, bout := must[*BytesReceiver](t)(b.Receiver()), must[*BytesSender](t)(b.Sender())
	ctx := t.Context()
	n := testing.AllocsPerRun(10_000, func() {
		l, _ := out.Loan(ctx)
		l.Send()
		s, _ := in.Receive(ctx)
		s.Release()
		bl, _ := bout.Loan(ctx, 100)
		bl.Send()
		bs, _ := bin.Receive(ctx)
		bs.Release()
	})
	if n != 0 && !ipctest.Slow() {
		t.Errorf("%v, %v, mode %v: %v allocations for a message of each kind", cfg.Shape, cfg.Slow, cfg.Mode, n)
	}
}

// A receiver that gets only some of what is redelivered doesn't make the rest look new.
func TestRedeliveredTwice(t *testing.T) {
	r := newRing[uint64](t, nil)
	mustSend(t, must[*Sender[uint64]](t)(r.Sender()), 0, 1, 2, 3)
	receive := func(want ...bool) {
		t.Helper()
		in := must[*Receiver[uint64]](t)(r.Receiver())
		for i, redelivered := range want {
			if s := mustReceive(t, in); *s.Value() != uint64(i) || s.Redelivered() != redelivered {
				t.Errorf("message %d: %d, redelivered: %t", i, *s.Value(), s.Redelivered())
			}
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	receive(false, false, false)
	receive(true)
	receive(true, true, true, false)
	receive(true, true, true, true)
}

func TestLoanAfterClose(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o666} {
		r, b := newRing[uint64](t, &Config{Mode: mode}), newBytes(t, &Config{Mode: mode})
		out, bytesOut := must[*Sender[uint64]](t)(r.Sender()), must[*BytesSender](t)(b.Sender())
		mustSend(t, out, 1)
		if err := must[BytesLoan](t)(bytesOut.Loan(t.Context(), 8)).Send(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Close(), b.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Loan(t.Context()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v: Loan: %v", mode, err)
		}
		if _, err := bytesOut.Loan(t.Context(), 8); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v: Loan of bytes: %v", mode, err)
		}
	}
}

func TestWaitAnyOfClosedReceiver(t *testing.T) {
	r := newRing[uint64](t, nil)
	in := must[*Receiver[uint64]](t)(r.Receiver())
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	if _, _, err := ipcsync.WaitAny(ctx, in); !errors.Is(err, os.ErrClosed) {
		t.Errorf("WaitAny: %v", err)
	}
}

func TestAllYieldsErrorOfRelease(t *testing.T) {
	r, b := newRing[uint64](t, nil), newBytes(t, nil)
	mustSend(t, must[*Sender[uint64]](t)(r.Sender()), 1)
	var last error
	for _, err := range must[*Receiver[uint64]](t)(r.Receiver()).All(t.Context()) {
		last = err
		r.Close()
	}
	if !errors.Is(last, os.ErrClosed) {
		t.Errorf("values: %v", last)
	}
	last = nil
	out := must[*BytesSender](t)(b.Sender())
	if err := must[BytesLoan](t)(out.Loan(t.Context(), 8)).Send(); err != nil {
		t.Fatal(err)
	}
	for _, err := range must[*BytesReceiver](t)(b.Receiver()).All(t.Context()) {
		last = err
		b.Close()
	}
	if !errors.Is(last, os.ErrClosed) {
		t.Errorf("bytes: %v", last)
	}
}
