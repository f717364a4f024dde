package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
	"github.com/breezeway-ipc/breezeway/rpc"
)

func TestMain(m *testing.M) { ipctest.Main(m) }

// calc is the object of most tests.
type calc struct {
	entered   chan struct{} // gets a value when Block has begun
	cancelled chan struct{} // and when it was cancelled

	mu    sync.Mutex
	notes []string
}

func newCalc() *calc {
	return &calc{entered: make(chan struct{}, 2000), cancelled: make(chan struct{}, 2000)}
}

type point struct{ X, Y int }

func (*calc) Add(a, b int) int { return a + b }

func (*calc) Div(a, b int) (int, error) {
	if b == 0 {
		return 0, &rpc.Error{Code: 42, Message: "division by zero", Data: []byte(`{"a":1}`)}
	}
	return a / b, nil
}

func (*calc) Fail() error                 { return errors.New("it failed") }
func (*calc) Panic()                      { panic("secret") }
func (*calc) Move(p point) point          { return point{p.X + 1, p.Y + 1} }
func (*calc) Sum(x ...int) (n int)        { return sum(x) }
func (*calc) Echo(b []byte) []byte        { return b }
func (*calc) Numbers(x []float64) float64 { return x[0] }

func sum(x []int) (n int) {
	for _, i := range x {
		n += i
	}
	return n
}

// Block waits until it is cancelled.
func (c *calc) Block(ctx context.Context) error {
	c.entered <- struct{}{}
	<-ctx.Done()
	c.cancelled <- struct{}{}
	return ctx.Err()
}

func (*calc) Count(ctx context.Context, to int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range to {
			if !yield(i, nil) {
				return
			}
		}
	}
}

// Break yields two items and an error.
func (*calc) Break() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if yield("a", nil) && yield("b", nil) {
			yield("", rpc.Errorf(7, "broken"))
		}
	}
}

func (c *calc) Note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notes = append(c.notes, text)
}

func (c *calc) Notes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notes
}

// Ask calls the caller back.
func (*calc) Ask(ctx context.Context, question string) (string, error) {
	in, _ := rpc.IncomingFrom(ctx)
	answer, err := rpc.Call[string](ctx, in.Caller("Oracle"), "Answer", question)
	return answer + "!", err
}

// PID tells which process serves.
func (*calc) PID() int { return os.Getpid() }

// Slow takes some milliseconds.
func (c *calc) Slow(ms int) int {
	c.entered <- struct{}{}
	<-time.After(time.Duration(ms) * time.Millisecond)
	return ms
}

// serving serves an object named Calc until the test ends the process.
var serving = ipctest.Helper("rpc serving", func(c *ipctest.Control) error {
	l, err := pipe.Listen(c.Args[0], nil)
	if err != nil {
		return err
	}
	s, err := rpc.NewServer(nil)
	if err != nil {
		return err
	}
	object := newCalc()
	if err := s.Register("Calc", object); err != nil {
		return err
	}
	go func() {
		for range object.entered {
			c.Say("entered")
		}
	}()
	go func() {
		for range object.cancelled {
			c.Say("cancelled")
		}
	}()
	c.AtEnd(func() { s.Close(); l.Close() })
	go s.Serve(l)
	c.Say("ready")
	if c.Hear() == "shutdown" {
		if err := s.Shutdown(context.Background()); err != nil {
			return err
		}
		c.Say("drained")
		c.Hear()
	}
	return nil
})

// startServer starts a process that serves Calc, and returns a function that connects.
func startServer(t testing.TB) (p *ipctest.Process, dial func(context.Context) (net.Conn, error)) {
	t.Helper()
	name := ipctest.UniqueName()
	p = ipctest.Start(t, serving, name)
	p.Expect("ready")
	return p, dialPipe(name)
}

func dialPipe(name string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		c, err := pipe.Dial(ctx, name, nil)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}

// connect returns a client of a server in another process.
func connect(t testing.TB) (*rpc.Client, *ipctest.Process) {
	t.Helper()
	p, dial := startServer(t)
	return dialled(t, dial, nil), p
}

func dialled(t testing.TB, dial func(context.Context) (net.Conn, error), cfg *rpc.Config) *rpc.Client {
	t.Helper()
	c, err := rpc.Dial(context.Background(), dial, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// inProcess returns a client of a server in this process, over a connection of net.Pipe.
func inProcess(t testing.TB, object any, serverCfg, clientCfg *rpc.Config) *rpc.Client {
	t.Helper()
	there := serveConn(t, object, serverCfg)
	c, err := rpc.NewClient(context.Background(), there, clientCfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// serveConn serves an object over one end of a connection, and returns the other.
func serveConn(t testing.TB, object any, cfg *rpc.Config) net.Conn {
	t.Helper()
	s, err := rpc.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Register("Calc", object); err != nil {
		t.Fatal(err)
	}
	return served(t, s)
}

// served lets a server serve one end of a connection, and returns the other.
func served(t testing.TB, s *rpc.Server) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	ended := make(chan struct{})
	go func() { defer close(ended); s.ServeConn(here) }()
	t.Cleanup(func() { there.Close(); s.Close(); <-ended })
	return there
}

func expect[T comparable](t testing.TB, got T, err error, want T) {
	t.Helper()
	if err != nil || got != want {
		t.Fatalf("%v, %v, want %v", got, err, want)
	}
}

var background = context.Background()

func sprint(v any) string { return fmt.Sprint(v) }

// serveFunctions serves a function.
func serveFunctions(t testing.TB) net.Conn {
	t.Helper()
	s := must(rpc.NewServer(nil))
	if err := s.RegisterFunc("math/double", func(n int) int { return 2 * n }); err != nil {
		t.Fatal(err)
	}
	return served(t, s)
}
