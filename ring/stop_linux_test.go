package ring

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/barrier"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// A sender whose receiver is stopped waits without using a processor, and goes on when the
// receiver does.
func TestPeerIsStopped(t *testing.T) {
	r := newRing[small](t, nil)
	peer := ipctest.Start(t, sink, r.Name())
	peer.Expect("ready")
	out := must[*Sender[small]](t)(r.Sender())
	const n = 3000 // more than there is room for
	goOn := ipctest.Stop(t, peer.Process.Pid)
	peer.Say(strconv.Itoa(n))
	sent := make(chan error)
	go func() {
		for seq := uint64(1); seq <= n; seq++ {
			l, err := out.Loan(t.Context())
			if err != nil {
				sent <- err
				return
			}
			l.Value()[0], l.Value()[6] = seq, seq
			if err := l.Send(); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for st := must[Stats](t)(r.Stats()); st.Waiters == 0; st = must[Stats](t)(r.Stats()) {
		time.Sleep(time.Millisecond)
	}
	before := must[time.Duration](t)(sys.CPUTime(0))
	time.Sleep(500 * time.Millisecond) // for processor time to be used up
	used := must[time.Duration](t)(sys.CPUTime(0)) - before
	if used > 50*time.Millisecond && !ipctest.Slow() {
		t.Errorf("the sender has used %v of 500ms", used)
	}
	goOn()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	peer.Expect("done")
}

// A waiter that can't use membarrier has the others publish by operations that fence, from
// their next message on.
func TestStrictWaiter(t *testing.T) {
	r := newRing[uint64](t, nil)
	in, out := must[*Receiver[uint64]](t)(r.Receiver()), must[*Sender[uint64]](t)(r.Sender())
	for deadline := time.Now().Add(ipctest.Patience); !barrier.Reached(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Skip("membarrier(2) is missing")
		}
	}
	trip := func() (sends, receives bool) {
		mustSend(t, out, 1)
		wantValues(t, in, 1)
		return out.p.quick, in.k.quick
	}
	if sends, receives := trip(); !sends || !receives {
		t.Errorf("stores plainly: the sender %t, the receiver %t", sends, receives)
	}
	r.c.h.strict = 1
	if sends, receives := trip(); sends || receives {
		t.Errorf("with a strict waiter stores plainly: the sender %t, the receiver %t", sends, receives)
	}
}

// A receiver of large messages spins for longer than others before it parks, and no longer
// than that.
func TestWaitingForLargeMessageParks(t *testing.T) {
	for size, want := range map[int]time.Duration{0: 50 * time.Microsecond, 1 << 20: 459600 * time.Nanosecond, 1 << 28: time.Millisecond} {
		if got := spinFor(size); got != want {
			t.Errorf("spins for %v after a message of %d bytes, want %v", got, size, want)
		}
	}
	r := newRing[mebi](t, nil)
	in, out := must[*Receiver[mebi]](t)(r.Receiver()), must[*Sender[mebi]](t)(r.Sender())
	if err := must[Loan[mebi]](t)(out.Loan(t.Context())).Send(); err != nil {
		t.Fatal(err)
	}
	if err := must[Sample[mebi]](t)(in.Receive(t.Context())).Release(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	before := must[time.Duration](t)(sys.CPUTime(0))
	if _, err := in.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	used := must[time.Duration](t)(sys.CPUTime(0)) - before
	if used > 50*time.Millisecond && !ipctest.Slow() {
		t.Errorf("the receiver has used %v of 500ms", used)
	}
}
