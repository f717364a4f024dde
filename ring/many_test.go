package ring

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/liveness"
)

// openAgain opens the ring as another process does.
func openAgain(t testing.TB, r *Ring[uint64], cfg *Config) *Ring[uint64] {
	t.Helper()
	other := must[*Ring[uint64]](t)(Open[uint64](r.Name(), cfg))
	t.Cleanup(func() { other.Close() })
	return other
}

// loseLoan leaves a loan behind, as a sender does whose process dies.
func loseLoan(t testing.TB, r *Ring[uint64]) {
	t.Helper()
	other := openAgain(t, r, nil)
	must[Loan[uint64]](t)(must[*Sender[uint64]](t)(other.Sender()).Loan(t.Context()))
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
}

// The sender of the oldest record of an exactly full ring dies while another process walks
// the records: the walk doesn't come round to it.
func TestOldestSenderDiesInFullRing(t *testing.T) {
	const cells = 8
	r := newRing[uint64](t, &Config{Shape: ManyToOne, Capacity: cells})
	other := openAgain(t, r, nil)
	must[Loan[uint64]](t)(must[*Sender[uint64]](t)(other.Sender()).Loan(t.Context()))
	out := must[*Sender[uint64]](t)(r.Sender())
	mustSend(t, out, 1, 2, 3, 4, 5, 6, 7)
	var found []uint64
	if _, err := r.c.lock.TryDo(func() error {
		return r.c.eachReserved(func(pos uint64, w word) error {
			if found = append(found, pos); len(found) == 1 { // it lived, and dies now
				return other.Close()
			}
			return r.c.endIfDead(pos, w)
		})
	}); err != nil {
		t.Fatal(err)
	}
	if tail := r.c.h.tail.Load(); len(found) != 1 || tail != cells {
		t.Errorf("found records at %d, tail at %d", found, tail)
	}
	in := must[*Receiver[uint64]](t)(r.Receiver())
	if s := mustReceive(t, in); *s.Value() != 1 {
		t.Errorf("received %d", *s.Value())
	} else if err := s.Release(); err != nil {
		t.Error(err)
	}
	wantValues(t, in, 2, 3, 4, 5, 6, 7)
	mustSend(t, out, 8)
	wantValues(t, in, 8)
}

// A sender commits its record, reserves the same cell a lap later, and dies, all after its
// word was read: that word is not its new record's.
func TestRecordOfALapLaterIsNotEnded(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: ManyToOne, Capacity: 1})
	other := openAgain(t, r, nil)
	theirs := must[*Sender[uint64]](t)(other.Sender())
	in := must[*Receiver[uint64]](t)(r.Receiver())
	l := must[Loan[uint64]](t)(theirs.Loan(t.Context()))
	*l.Value() = 1
	old := r.c.cells.load(0)
	if err := l.Send(); err != nil {
		t.Fatal(err)
	}
	wantValues(t, in, 1)
	must[Loan[uint64]](t)(theirs.Loan(t.Context()))
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if w := r.c.cells.load(1); w != old || liveness.Holder(w.holder()) == liveness.None {
		t.Fatalf("the words are %#x and %#x", old, w)
	}
	if err := r.c.endIfDead(0, old); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		mustSend(t, must[*Sender[uint64]](t)(r.Sender()), 2)
	}()
	if s := mustReceive(t, in); *s.Value() != 2 {
		t.Errorf("received %d", *s.Value())
	}
	<-sent
}

// Records that a receiver has passed while it had a sample are given back with that.
func TestSkipsPassedWithSampleAreGivenBack(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: ManyToOne, Capacity: 8})
	in, out := must[*Receiver[uint64]](t)(r.Receiver()), must[*Sender[uint64]](t)(r.Sender())
	for lap := range uint64(3) {
		mustSend(t, out, lap)
		held := mustReceive(t, in)
		for range 7 { // the last one doesn't fit, and gives up the one before
			must[Loan[uint64]](t)(out.Loan(t.Context()))
		}
		wantFull(t, out)
		if _, ok, err := in.TryReceive(); ok || err != nil {
			t.Fatalf("TryReceive of skips: %t, %v", ok, err)
		}
		if err := held.Release(); err != nil {
			t.Fatal(err)
		}
		mustSend(t, out, 10, 11, 12)
		wantValues(t, in, 10, 11, 12)
	}
}
