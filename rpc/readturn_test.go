package rpc_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// betweenSockets returns a client over a socket, which calls read themselves, and the other
// side of it.
func betweenSockets(t testing.TB, cfg *rpc.Config) (*rpc.Client, *raw) {
	t.Helper()
	l := listen(t, "unix")
	defer l.Close()
	c := dialled(t, dialAt(l), cfg)
	there := newRaw(t, must(l.Accept()))
	t.Cleanup(func() { there.Close() })
	return c, there
}

// warm makes a call, after which no goroutine reads.
func warm(t testing.TB, c *rpc.Client, there *raw) {
	t.Helper()
	ended := callInBackground(background, c)
	there.expectAnswer(`"id":1`)
	there.send(frame(`{"jsonrpc":"2.0","id":1,"result":1}`))
	expectCalled(t, ended, 1)
}

type called struct {
	n   int
	err error
}

func callInBackground(ctx context.Context, c *rpc.Client) chan called {
	ended := make(chan called, 1)
	go func() {
		n, err := rpc.Call[int](ctx, c.Object("Calc"), "Add")
		ended <- called{n, err}
	}()
	return ended
}

func expectCalled(t testing.TB, ended chan called, want int) {
	t.Helper()
	select {
	case got := <-ended:
		expect(t, got.n, got.err, want)
	case <-time.After(ipctest.Patience):
		t.Fatalf("there is no answer after 10 s")
	}
}

// A call that is cancelled in the middle of its answer, wherever that is, or of another
// one's, takes nothing from the calls that follow.
func TestCancelInTheMiddleOfAnAnswer(t *testing.T) {
	large := `{"jsonrpc":"2.0","id":2,"result":[` + strings.Repeat("1234567,", 20_000) + `0]}`
	for _, answer := range []string{frame(`{"jsonrpc":"2.0","id":2,"result":2}`), frame(large)} {
		for _, cut := range []int{1, 15, 18, 20, 21, 25, len(answer) / 2, len(answer) - 1} {
			c, there := betweenSockets(t, nil)
			warm(t, c, there)
			ctx, cancel := context.WithCancel(background)
			first := callInBackground(ctx, c)
			there.expectAnswer(`"id":2`)
			there.Write([]byte(answer[:cut]))
			start := time.Now()
			cancel()
			if got := <-first; !errors.Is(got.err, context.Canceled) {
				t.Fatalf("cut at %d: %v", cut, got)
			}
			ipctest.WantSince(t, start, time.Second)
			there.expectAnswer("$/cancelRequest")
			second := callInBackground(background, c)
			there.expectAnswer(`"id":3`)
			there.send(answer[cut:] + frame(`{"jsonrpc":"2.0","id":3,"result":3}`))
			expectCalled(t, second, 3)
			c.Close()
		}
	}
}

// While a call reads, others are answered, and when it is cancelled they still are.
func TestCallThatReadsIsCancelled(t *testing.T) {
	c, there := betweenSockets(t, nil)
	warm(t, c, there)
	ctx, cancel := context.WithCancel(background)
	first := callInBackground(ctx, c)
	there.expectAnswer(`"id":2`)
	second := callInBackground(background, c)
	there.expectAnswer(`"id":3`)
	third := callInBackground(background, c)
	there.expectAnswer(`"id":4`)
	there.send(frame(`{"jsonrpc":"2.0","id":3,"result":3}`))
	expectCalled(t, second, 3)
	cancel()
	if got := <-first; !errors.Is(got.err, context.Canceled) {
		t.Fatal(got)
	}
	there.expectAnswer("$/cancelRequest")
	there.send(frame(`{"jsonrpc":"2.0","id":4,"result":4}`))
	expectCalled(t, third, 4)
}

// What the other side sends when no call is under way is taken all the same: requests, and
// the end.
func TestRequestsBetweenCalls(t *testing.T) {
	c, there := betweenSockets(t, nil)
	if err := c.Register("Here", newMoody()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		ended := callInBackground(background, c)
		there.expectAnswer(`"method":"Calc.Add"`)
		there.send(frame(`{"jsonrpc":"2.0","id":9,"method":"Here.Add","params":[1,2]}`))
		there.expectAnswer(`"id":9,"result":3`)
		c.Object("Calc").Notify(background, "Note")
		there.expectAnswer("Calc.Note")
		there.send(frame(`{"jsonrpc":"2.0","id":8,"method":"Here.Add","params":[1,3]}`))
		there.expectAnswer(`"id":8,"result":4`)
		there.Close()
		if got := <-ended; !errors.Is(got.err, rpc.ErrLost) {
			t.Error(got)
		}
		c, there = betweenSockets(t, nil)
		if err := c.Register("Here", newMoody()); err != nil {
			t.Fatal(err)
		}
		warm(t, c, there)
		there.send(frame(`{"jsonrpc":"2.0","id":9,"method":"Here.Add","params":[1,2]}`))
		there.expectAnswer(`"id":9,"result":3`)
	}
}

// A message that has begun has to arrive in time, though the calls that read it are cancelled
// one after the other.
func TestSlowAnswerBesideCancelledCalls(t *testing.T) {
	c, there := betweenSockets(t, &rpc.Config{ReadTimeout: 200 * time.Millisecond})
	warm(t, c, there)
	there.Write([]byte("Content-Length: 1"))
	start := time.Now()
	for {
		ctx, cancel := context.WithTimeout(background, 5*time.Millisecond)
		got := <-callInBackground(ctx, c)
		cancel()
		if errors.Is(got.err, rpc.ErrLost) || !errors.Is(got.err, context.DeadlineExceeded) {
			break
		}
		if time.Since(start) > ipctest.Patience {
			t.Fatal("the connection stays")
		}
	}
	if waited := time.Since(start); waited < 190*time.Millisecond {
		t.Errorf("dropped after %v", waited)
	}
}

// Close ends a call that reads at once, though a notification is still being written.
func TestCloseEndsCallThatReads(t *testing.T) {
	c, there := betweenSockets(t, nil)
	warm(t, c, there)
	ended := callInBackground(background, c)
	there.expectAnswer(`"id":2`)
	for range 2 { // more than the socket takes, and less than the client keeps
		c.Object("Calc").Notify(background, "Note", make([]byte, 300_000))
	}
	go c.Close()
	start := time.Now()
	if got := <-ended; !errors.Is(got.err, net.ErrClosed) {
		t.Error(got)
	}
	ipctest.WantSince(t, start, time.Second)
}

// Close ends a call that has begun to read a message and is about to set the deadline for it.
func TestCloseWhenAMessageBegins(t *testing.T) {
	l := listen(t, "unix")
	defer l.Close()
	here := &seam{Conn: must(dialAt(l)(background)), begun: make(chan struct{}), interrupted: make(chan struct{})}
	c := must(rpc.NewClient(background, here, nil))
	defer c.Close()
	there := newRaw(t, must(l.Accept()))
	defer there.Close()
	warm(t, c, there)
	ended := callInBackground(background, c)
	there.expectAnswer(`"id":2`)
	for range 2 { // more than the socket takes, so that Close leaves the connection open for a while
		c.Object("Calc").Notify(background, "Note", make([]byte, 300_000))
	}
	there.Write([]byte("Content-Length: 1"))
	<-here.begun
	start := time.Now()
	go c.Close()
	if got := <-ended; !errors.Is(got.err, net.ErrClosed) {
		t.Error(got)
	}
	ipctest.WantSince(t, start, time.Second)
}

// seam is a connection whose first deadline for a part of a message is set when another one
// that interrupts has been.
type seam struct {
	net.Conn
	begun, interrupted chan struct{}
	first, past        sync.Once
}

func (*seam) Peer() breezeway.Peer { return breezeway.Peer{UID: -1, GID: -1} }

func (c *seam) SetReadDeadline(at time.Time) error {
	if time.Until(at) > 0 {
		c.first.Do(func() {
			close(c.begun)
			<-c.interrupted
		})
		return c.Conn.SetReadDeadline(at)
	}
	err := c.Conn.SetReadDeadline(at)
	if !at.IsZero() {
		c.past.Do(func() { close(c.interrupted) })
	}
	return err
}

func (c *seam) Close() error {
	c.past.Do(func() { close(c.interrupted) }) // a worker that reads, as the call came late, is not interrupted
	return c.Conn.Close()
}
