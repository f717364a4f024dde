//go:build killpoints

package ring

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// A receiver that has held a sample for laps releases it and receives the next one, while
// the sender looks what it holds.
func TestReceiverGoesOnWhileSenderLooks(t *testing.T) {
	for _, slow := range droppingSlows {
		r := newRing[uint64](t, &Config{Shape: Broadcast, Slow: slow, Capacity: 8})
		out := must[*Sender[uint64]](t)(r.Sender())
		in := must[*Receiver[uint64]](t)(r.Receiver())
		mustSend(t, out, 0)
		held := mustReceive(t, in)
		for i := range uint64(30) {
			mustSend(t, out, i)
		}
		went := false
		killpoint.Stall("ring holder seen", func() {
			went = true
			if err := held.Release(); err != nil {
				t.Error(err)
			}
			in.TryReceive() // disconnected, or there is one
		})
		mustSend(t, out, 1, 2, 3, 4, 5, 6, 7, 8)
		if !went {
			t.Errorf("%v: the sender has not looked", slow)
		}
	}
}

// A receiver that held a sample for laps has died; while another one takes its place the
// sender looks.
func TestReceiverComesWhileSenderLooks(t *testing.T) {
	r := newRing[uint64](t, &Config{Shape: Broadcast, Slow: SlowSkip, Capacity: 8, Receivers: 1})
	dead := openAgain(t, r, nil)
	out := must[*Sender[uint64]](t)(r.Sender())
	in := must[*Receiver[uint64]](t)(dead.Receiver())
	mustSend(t, out, 1)
	mustReceive(t, in)
	for i := range uint64(30) {
		mustSend(t, out, i)
	}
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	went := false
	killpoint.Stall("ring receiver comes", func() {
		went = true
		mustSend(t, out, 1, 2, 3, 4, 5, 6, 7, 8)
	})
	in = must[*Receiver[uint64]](t)(r.Receiver())
	if !went {
		t.Error("the receiver has not come")
	}
	mustSend(t, out, 9)
	if s := mustReceive(t, in); *s.Value() > 9 {
		t.Errorf("received %d", *s.Value())
	}
}
