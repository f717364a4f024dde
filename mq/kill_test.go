//go:build killpoints

package mq

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/killpoint"
)

// victim does to the queue Args[0] what Args[1] names, and is killed at the point Args[2]
// while it does so.
var victim = ipctest.Helper("victim", func(c *ipctest.Control) error {
	ctx := context.Background()
	q, err := Open(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer q.Close()
	var d Delivery
	switch c.Args[1] {
	case "ack", "nack", "delay":
		if d, err = q.Lease(ctx, nil); err != nil {
			return err
		}
	}
	killpoint.At(c.Args[2])
	switch c.Args[1] {
	case "send":
		return q.Send(ctx, Outgoing{Body: []byte(strings.Repeat("n", 1000))})
	case "batch":
		_, err = q.SendBatch(ctx, []Outgoing{{Body: []byte("n")}, {Body: []byte("n"), Priority: 3}})
		return err
	case "receive":
		_, err = q.Receive(ctx, nil)
		return err
	case "lease":
		_, err = q.Lease(ctx, nil)
		return err
	case "ack":
		return d.Ack(ctx)
	case "nack":
		return d.Nack(ctx, 0)
	case "delay":
		return d.Nack(ctx, time.Millisecond)
	}
	return nil
})

// Wherever a process is killed, what others find is what was there before, or what should
// be there after; they can go on at once, and nothing is lost for good.
func TestKillMatrix(t *testing.T) {
	const whole = "0 1 2" // as long as nothing was taken
	for _, c := range []struct {
		op, point string
		first     int // priority of the first message; those that follow have 0
		want      []string
	}{
		{"send", "owner taken", 0, []string{whole}},
		{"send", "mq blocks taken", 0, []string{whole}},
		{"send", "mq filled", 0, []string{whole}},
		{"send", "mq sent", 0, []string{whole + " n"}},
		{"send", "owner given", 0, []string{whole + " n"}},
		{"batch", "mq filled", 0, []string{whole}},
		{"batch", "mq sent", 0, []string{whole + " n"}},
		{"receive", "mq head passed", 0, []string{"1 2"}},
		{"receive", "mq blocks listed", 0, []string{"1 2"}},
		{"receive", "owner given", 0, []string{"1 2"}},
		{"receive", "mq shelved", 1, []string{whole}},
		{"receive", "mq slot freed", 1, []string{"1 2", whole}},
		{"lease", "mq leased", 0, []string{whole}},
		{"lease", "mq head passed", 0, []string{"0+ 1 2"}},
		{"lease", "mq shelved", 1, []string{whole}},
		{"lease", "mq leased", 1, []string{whole, "0+ 1 2"}},
		{"ack", "mq slot freed", 0, []string{"1 2"}},
		{"ack", "mq blocks listed", 0, []string{"1 2"}},
		{"nack", "mq lease ended", 0, []string{"0+ 1 2"}},
		{"delay", "mq delayed", 0, []string{"0+ 1 2"}},
	} {
		t.Run(c.op+" "+c.point, func(t *testing.T) {
			q := newQueue(t, &Config{Capacity: 8, CapacityBytes: 16 << 10, MaxMessage: 4096})
			mustSend(t, q, Outgoing{Body: []byte("0" + strings.Repeat(".", 1000)), Priority: c.first})
			mustSend(t, q, text("1", 0))
			mustSend(t, q, text("2", 0))
			cmd := ipctest.HelperCommand(t, victim, q.Name(), c.op, c.point)
			p := ipctest.StartCommand(t, cmd)
			if p.Wait() == nil || p.Stderr() != "" {
				t.Fatalf("it was not killed; stderr: %s", p.Stderr())
			}
			// Others send at once.
			start := time.Now()
			mustSend(t, q, text("last", 0))
			ipctest.WantSince(t, start, time.Second)
			var got []string
			for q.length() > 0 {
				ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
				d, err := q.Lease(ctx, nil)
				cancel()
				if err != nil {
					t.Fatalf("after %q: %v", got, err)
				}
				if err := d.Ack(t.Context()); err != nil {
					t.Fatal(err)
				}
				s := strings.TrimRight(string(d.Body), ".")
				if s[0] == 'n' {
					s = "n"
				}
				if d.Redelivered() {
					s += "+"
				}
				if s != "last" {
					got = append(got, s)
				}
			}
			found := strings.Join(got, " ")
			ok := false
			for _, want := range c.want {
				ok = ok || found == want || found == strings.TrimPrefix(want, "0+ ")+" 0+"
			}
			if !ok {
				t.Errorf("found %q, want one of %q", found, c.want)
			}
			// No room was lost for good.
			for range 3 {
				for range 15 {
					if ok, err := q.TrySend(Outgoing{Body: make([]byte, 1900)}); err != nil || !ok {
						if q.length() < 8 {
							t.Fatalf("only %d fit: %v, %v", q.length(), ok, err)
						}
						break
					}
				}
				for q.length() > 0 {
					mustReceive(t, q)
				}
			}
			wantEmpty(t, q)
		})
	}
}

// A sender is killed between the last two steps, and its message is received before another
// sender sees that.
func TestReceivedBeforeTheDeathIsSeen(t *testing.T) {
	for _, sync := range []bool{false, true} {
		path := newDurable(t, 0, &Config{Sync: sync, Capacity: 1})
		q := reopen(t, path)
		p := ipctest.StartCommand(t, ipctest.HelperCommand(t, victim, path, "send", "mq sent"))
		if p.Wait() == nil {
			t.Fatal("it was not killed")
		}
		mustReceive(t, q)
		wantLen(t, q, 0)
		for _, s := range []string{"first", "second"} {
			mustSend(t, q, text(s, 0))
			if m, ok, err := q.TryReceive(nil); err != nil || !ok || string(m.Body) != s {
				t.Fatalf("sync %v: %q is lost: %v, %v", sync, s, ok, err)
			}
		}
		wantEmpty(t, q)
	}
}
