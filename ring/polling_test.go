package ring

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// What no wake-up announces is noticed without a parked wait, too.

func TestSpinningReceiverNoticesRemoval(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a ring that is open can't be removed on Windows")
	}
	for _, shape := range allShapes {
		r := newRing[uint64](t, &Config{Shape: shape, Wait: WaitSpin})
		in := must[*Receiver[uint64]](t)(r.Receiver())
		ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
		failed := make(chan error)
		go func() {
			_, err := in.Receive(ctx)
			failed <- err
		}()
		if err := Remove(r.Name(), nil); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; !errors.Is(err, breezeway.ErrRemoved) {
			t.Errorf("%v: %v", shape, err)
		}
		cancel()
	}
}

func TestPollingReceiverNoticesRemoval(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a ring that is open can't be removed on Windows")
	}
	for _, shape := range allShapes {
		r := newRing[uint64](t, &Config{Shape: shape})
		in := must[*Receiver[uint64]](t)(r.Receiver())
		mustSend(t, must[*Sender[uint64]](t)(r.Sender()), 1)
		if err := Remove(r.Name(), nil); err != nil {
			t.Fatal(err)
		}
		if s, ok, err := in.TryReceive(); !ok || err != nil { // what was sent is there still
			t.Fatalf("%v: %t, %v", shape, ok, err)
		} else if err := s.Release(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := in.TryReceive(); !errors.Is(err, breezeway.ErrRemoved) {
			t.Errorf("%v: %v", shape, err)
		}
	}
}

func TestSpinningReceiverEndsDeadSendersRecord(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: ManyToOne, Wait: WaitSpin})
	loseLoan(t, r)
	mustSend(t, must[*Sender[uint64]](t)(r.Sender()), 1)
	in := must[*Receiver[uint64]](t)(r.Receiver())
	if s := mustReceive(t, in); *s.Value() != 1 {
		t.Errorf("received %d", *s.Value())
	}
}

func TestPollingReceiverEndsDeadSendersRecord(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: ManyToOne})
	loseLoan(t, r)
	mustSend(t, must[*Sender[uint64]](t)(r.Sender()), 1)
	in := must[*Receiver[uint64]](t)(r.Receiver())
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		_, ok, err := in.TryReceive()
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			return
		}
		if time.Since(start) > ipctest.Patience {
			t.Fatal("a dead sender's record is in the way")
		}
	}
}
