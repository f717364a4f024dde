package ring

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

var droppingSlows = []Slow{SlowSkip, SlowDisconnect}

// A message that fits neither before nor behind what a receiver holds waits for its
// release.
func TestMessageFitsNotBesideWhatIsHeld(t *testing.T) {
	for _, slow := range droppingSlows {
		b := newBytes(t, &Config{Shape: Broadcast, Slow: slow, CapacityBytes: 4096})
		out := must[*BytesSender](t)(b.Sender())
		in := must[*BytesReceiver](t)(b.Receiver())
		var held BytesSample
		for i := range 33 { // the last one is in the middle
			if err := must[BytesLoan](t)(out.Loan(t.Context(), 10)).Send(); err != nil {
				t.Fatal(err)
			}
			if held = must[BytesSample](t)(in.Receive(t.Context())); i < 32 {
				if err := held.Release(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, ok, err := out.TryLoan(b.MaxMessage()); ok || err != nil {
			t.Errorf("%v: TryLoan: %t, %v", slow, ok, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := out.Loan(ctx, b.MaxMessage()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: Loan: %v", slow, err)
		}
		cancel()
		loaned := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
			defer cancel()
			_, err := out.Loan(ctx, b.MaxMessage())
			loaned <- err
		}()
		if err := held.Release(); err != nil {
			t.Error(err)
		}
		if err := <-loaned; err != nil {
			t.Errorf("%v: Loan after Release: %v", slow, err)
		}
	}
}

func TestOnlyCellIsHeld(t *testing.T) {
	for _, slow := range droppingSlows {
		r := newRing[uint64](t, &Config{Shape: Broadcast, Slow: slow, Capacity: 1})
		out := must[*Sender[uint64]](t)(r.Sender())
		in := must[*Receiver[uint64]](t)(r.Receiver())
		mustSend(t, out, 1)
		held := mustReceive(t, in)
		wantFull(t, out)
		if err := held.Release(); err != nil {
			t.Fatal(err)
		}
		mustSend(t, out, 2)
	}
}

// TryLoan finds the room that Loan does: a slow receiver is passed.
func TestTryLoanPassesSlowReceiver(t *testing.T) {
	loans := map[string]func(*Sender[uint64]) (Loan[uint64], error){
		"Loan": func(s *Sender[uint64]) (Loan[uint64], error) { return s.Loan(t.Context()) },
		"TryLoan": func(s *Sender[uint64]) (Loan[uint64], error) {
			l, ok, err := s.TryLoan()
			if !ok && err == nil {
				err = errors.New("the ring is full")
			}
			return l, err
		},
	}
	for _, slow := range droppingSlows {
		for _, holds := range []bool{false, true} {
			skipped := map[string]uint64{}
			for name, loan := range loans {
				r := newRing[uint64](t, &Config{Shape: Broadcast, Slow: slow, Capacity: 8})
				out := must[*Sender[uint64]](t)(r.Sender())
				in := must[*Receiver[uint64]](t)(r.Receiver())
				var held Sample[uint64]
				if holds {
					mustSend(t, out, 0)
					held = mustReceive(t, in)
				}
				for i := range uint64(100) {
					l := must[Loan[uint64]](t)(loan(out))
					*l.Value() = i
					if err := l.Send(); err != nil {
						t.Fatal(err)
					}
				}
				if holds {
					if err := held.Release(); err != nil {
						t.Fatal(err)
					}
				}
				_, _, err := in.TryReceive()
				if slow == SlowDisconnect && !errors.Is(err, ErrDisconnected) || slow == SlowSkip && err != nil {
					t.Errorf("%v, %s, holds %t: %v", slow, name, holds, err)
				}
				skipped[name] = in.Skipped()
			}
			if skipped["Loan"] != skipped["TryLoan"] || slow == SlowSkip && skipped["Loan"] < 90 {
				t.Errorf("%v, holds %t: skipped %v of 100", slow, holds, skipped)
			}
		}
	}
}

// A sender that polls for room notices, as one that waits for it does, that the receiver in
// the way is dead.
func TestTryLoanPassesDeadReceiver(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: Broadcast, Capacity: 4})
	dead := openAgain(t, r, nil)
	must[*Receiver[uint64]](t)(dead.Receiver())
	out := must[*Sender[uint64]](t)(r.Sender())
	mustSend(t, out, 1, 2, 3, 4)
	wantFull(t, out)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		_, ok, err := out.TryLoan()
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			return
		}
		if time.Since(start) > ipctest.Patience {
			t.Fatal("a dead receiver is in the way")
		}
	}
}
