//go:build killpoints

package ring

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// victim does to the ring Args[0] what Args[1] names, and is killed at the point Args[2]
// while it does so.
var victim = ipctest.Helper("victim", func(c *ipctest.Control) error {
	ctx := context.Background()
	b, err := OpenBytes(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer b.Close()
	switch c.Args[1] {
	case "send":
		s, err := b.Sender()
		if err != nil {
			return err
		}
		killpoint.At(c.Args[2])
		for range 20 { // around the ring
			if err := sendText(ctx, s, "n"); err != nil {
				return err
			}
		}
	case "receive":
		killpoint.At(c.Args[2])
		r, err := b.Receiver()
		if err != nil {
			return err
		}
		for {
			s, err := r.Receive(ctx)
			if err != nil {
				return err
			}
			if err := s.Release(); err != nil {
				return err
			}
		}
	}
	return nil
})

func sendText(ctx context.Context, s *BytesSender, text string) error {
	l, err := s.Loan(ctx, len(text))
	if err != nil {
		return err
	}
	copy(l.Bytes(), text)
	return l.Send()
}

// killed runs a victim until it is killed.
func killed(t *testing.T, args ...string) {
	t.Helper()
	p := ipctest.StartCommand(t, ipctest.HelperCommand(t, victim, args...))
	if p.Wait() == nil || p.Stderr() != "" {
		t.Fatalf("it was not killed; stderr: %s", p.Stderr())
	}
}

// receiveTexts receives until there is "last".
func receiveTexts(t *testing.T, r *BytesReceiver) string {
	t.Helper()
	var got []string
	for {
		ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
		s, err := r.Receive(ctx)
		cancel()
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		text := string(s.Bytes())
		if s.Redelivered() {
			text += "+"
		}
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
		if got = append(got, text); text == "last" {
			return strings.Join(got, " ")
		}
	}
}

// Wherever a sender is killed, what it has sent is there or not, and others go on at once.
func TestKillMatrixSender(t *testing.T) {
	for _, c := range []struct {
		shape Shape
		point string
		want  string
	}{
		{OneToOne, "ring cleared", "0 1 last"},
		{OneToOne, "ring filled", "0 1 last"},
		{OneToOne, "ring committed", "0 1 n last"},
		{ManyToOne, "ring reserved", "0 1 last"},
		{ManyToOne, "ring cleared", "0 1 last"},
		{ManyToOne, "ring tail moved", "0 1 last"},
		{ManyToOne, "ring filled", "0 1 last"},
		{ManyToOne, "ring committed", "0 1 n last"},
		{Broadcast, "ring cleared", "0 1 last"},
		{Broadcast, "ring committed", "0 1 n last"},
	} {
		t.Run(c.shape.String()+" "+c.point, func(t *testing.T) {
			b := newBytes(t, &Config{Shape: c.shape, CapacityBytes: 512})
			r := must[*BytesReceiver](t)(b.Receiver())
			s := must[*BytesSender](t)(b.Sender())
			for i := range 2 {
				if err := sendText(t.Context(), s, fmt.Sprint(i)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			killed(t, b.Name(), "send", c.point)
			s = must[*BytesSender](t)(again(b.Sender))
			start := time.Now()
			if err := sendText(t.Context(), s, "last"); err != nil {
				t.Fatal(err)
			}
			if got := receiveTexts(t, r); got != c.want {
				t.Errorf("received %q, want %q", got, c.want)
			}
			ipctest.WantSince(t, start, time.Second)
			wantWhole(t, s, r)
		})
	}
}

// wantWhole fails the test unless the ring works for a few laps.
func wantWhole(t *testing.T, s *BytesSender, r *BytesReceiver) {
	t.Helper()
	for range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
		if err := sendText(ctx, s, "last"); err != nil {
			t.Fatal(err)
		}
		cancel()
		if got := receiveTexts(t, r); got != "last" {
			t.Fatalf("received %q", got)
		}
	}
}

// Wherever the process is killed that ends the record of a dead sender, the next one can
// do so.
func TestKillMatrixRecovery(t *testing.T) {
	for _, point := range []string{"ring recovery cleared", "ring recovery moved", "ring recovered"} {
		t.Run(point, func(t *testing.T) {
			b := newBytes(t, &Config{Shape: ManyToOne, CapacityBytes: 512})
			killed(t, b.Name(), "send", "ring reserved")
			killed(t, b.Name(), "receive", point)
			s := must[*BytesSender](t)(b.Sender())
			if err := sendText(t.Context(), s, "last"); err != nil {
				t.Fatal(err)
			}
			r := must[*BytesReceiver](t)(again(b.Receiver))
			if got := receiveTexts(t, r); got != "last" {
				t.Errorf("received %q", got)
			}
			wantWhole(t, s, r)
		})
	}
}

// Wherever a receiver is killed, the next one gets what it has not released.
func TestKillMatrixReceiver(t *testing.T) {
	for _, c := range []struct{ point, want string }{
		{"ring line taken", "0 1 last"},
		{"ring taken", "0+ 1 last"},
		{"ring released", "1 last"},
	} {
		t.Run(c.point, func(t *testing.T) {
			b := newBytes(t, nil)
			s := must[*BytesSender](t)(b.Sender())
			for i := range 2 {
				if err := sendText(t.Context(), s, fmt.Sprint(i)); err != nil {
					t.Fatal(err)
				}
			}
			killed(t, b.Name(), "receive", c.point)
			if err := sendText(t.Context(), s, "last"); err != nil {
				t.Fatal(err)
			}
			if got := receiveTexts(t, must[*BytesReceiver](t)(again(b.Receiver))); got != c.want {
				t.Errorf("received %q, want %q", got, c.want)
			}
		})
	}
}

// Wherever a process of a broadcast is killed, the others don't wait for it.
func TestKillMatrixOfBroadcast(t *testing.T) {
	for _, slow := range []Slow{SlowBlock, SlowSkip, SlowDisconnect} {
		for _, c := range []struct{ op, point string }{
			{"receive", "ring line taken"},
			{"receive", "ring receiver placed"},
			{"receive", "ring held"},
			{"receive", "ring taken"},
			{"receive", "ring released"},
			{"send", "ring dropped counted"},
			{"send", "ring oldest moved"},
			{"send", "ring receiver moved"},
		} {
			if slow == SlowBlock && c.point == "ring held" || slow != SlowSkip && c.point == "ring receiver moved" {
				continue // not on the way
			}
			t.Run(slow.String()+" "+c.op+" "+c.point, func(t *testing.T) {
				b := newBytes(t, &Config{Shape: Broadcast, Slow: slow, CapacityBytes: 512})
				if c.op == "receive" {
					s := must[*BytesSender](t)(b.Sender())
					done := make(chan struct{})
					go func() {
						defer close(done)
						killed(t, b.Name(), "receive", c.point)
					}()
					for going := true; going; {
						if err := sendText(t.Context(), s, "n"); err != nil {
							t.Fatal(err)
						}
						select {
						case <-done:
							going = false
						case <-time.After(time.Millisecond):
						}
					}
					r := must[*BytesReceiver](t)(b.Receiver())
					wantWhole(t, s, r)
					return
				}
				var r *BytesReceiver
				if slow == SlowSkip { // in the way
					r = must[*BytesReceiver](t)(b.Receiver())
				}
				killed(t, b.Name(), "send", c.point)
				s := must[*BytesSender](t)(again(b.Sender))
				if r == nil {
					r = must[*BytesReceiver](t)(b.Receiver())
				}
				if err := sendText(t.Context(), s, "last"); err != nil {
					t.Fatal(err)
				}
				receiveTexts(t, r)
				wantWhole(t, s, r)
			})
		}
	}
}
