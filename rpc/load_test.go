package rpc_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// One call that takes its time delays none of a thousand others on the same connection.
func TestManyCallsOnOneConnection(t *testing.T) {
	c, p := connect(t)
	o := c.Object("Calc")
	ctx, cancel := context.WithCancel(background)
	slow := make(chan error, 1)
	go func() { _, err := rpc.Call[any](ctx, o, "Block"); slow <- err }()
	p.Expect("entered")
	errs := make(chan error, 1000)
	for i := range 1000 {
		go func() {
			n, err := rpc.Call[int](background, o, "Add", i, 1)
			if err == nil && n != i+1 {
				err = errors.New(sprint(n))
			}
			errs <- err
		}()
	}
	for range 1000 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-slow:
		t.Errorf("the slow call ended: %v", err)
	default:
	}
	cancel()
	<-slow
}

func TestManyConnections(t *testing.T) {
	_, dial := startServer(t)
	var all sync.WaitGroup
	clients := make([]*rpc.Client, 1000)
	if ipctest.Slow() {
		clients = clients[:100]
	}
	for i := range clients {
		all.Go(func() {
			c, err := rpc.Dial(background, dial, nil)
			if err != nil {
				t.Error(err)
				return
			}
			clients[i] = c
			if n, err := rpc.Call[int](background, c.Object("Calc"), "Add", i, 1); err != nil || n != i+1 {
				t.Error(n, err)
			}
		})
	}
	all.Wait()
	for _, c := range clients {
		if c != nil {
			c.Close()
		}
	}
}

// When the server is killed, all that waits for it learns so within a second.
func TestServerKilledDuringCalls(t *testing.T) {
	name := ipctest.UniqueName()
	p := ipctest.Start(t, serving, name)
	p.Expect("ready")
	o := dialled(t, dialPipe(name), nil).Object("Calc")
	const n = 100
	errs := make(chan error, n+1)
	for range n {
		go func() { _, err := rpc.Call[any](background, o, "Block"); errs <- err }()
	}
	go func() {
		var last error
		for _, err := range rpc.Stream[int](background, o, "Count", 1<<30) {
			last = err
		}
		errs <- last
	}()
	for range n {
		p.Expect("entered")
	}
	start := time.Now()
	p.Kill()
	for range n + 1 {
		if err := <-errs; !errors.Is(err, rpc.ErrLost) {
			t.Fatal(err)
		}
	}
	ipctest.WantSince(t, start, time.Second)
	ipctest.Start(t, serving, name).Expect("ready") // takes the name over, and leaves nothing
}

// A call that may be executed twice survives the server.
func TestIdempotentCallIsRepeated(t *testing.T) {
	name := ipctest.UniqueName()
	p := ipctest.Start(t, serving, name)
	p.Expect("ready")
	c := dialled(t, dialPipe(name), nil)
	o := c.Object("Calc")
	ended := make(chan error, 1)
	go func() { _, err := rpc.Call[any](background, o, "Block"); ended <- err }()
	p.Expect("entered")
	p.Kill()
	if err := <-ended; !errors.Is(err, rpc.ErrLost) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(background, 30*time.Millisecond)
	defer cancel()
	if _, err := rpc.Call[int](ctx, o.Idempotent(), "PID"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	answer := make(chan error, 1)
	go func() {
		n, err := rpc.Call[int](background, o.Idempotent(), "Add", 1, 2)
		if err == nil && n != 3 {
			err = errors.New(sprint(n))
		}
		answer <- err
	}()
	ipctest.Start(t, serving, name).Expect("ready")
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	n, err := rpc.Call[int](background, o, "Add", 1, 2) // the others use the connection, too
	expect(t, n, err, 3)
}

// Shutdown refuses new calls and waits for the others; their answers arrive.
func TestShutdownDrains(t *testing.T) {
	c, p := connect(t)
	o := c.Object("Calc")
	ctx, cancel := context.WithCancel(background)
	blocked := make(chan error, 1)
	go func() { _, err := rpc.Call[any](ctx, o, "Block"); blocked <- err }()
	p.Expect("entered")
	answered := make(chan error, 1)
	go func() { _, err := rpc.Call[int](background, o, "Slow", 50); answered <- err }()
	p.Expect("entered")
	p.Say("shutdown")
	for {
		_, err := rpc.Call[int](background, o, "Add", 1, 2)
		var e *rpc.Error
		if errors.As(err, &e) && e.Code == rpc.CodeShuttingDown {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := <-answered; err != nil {
		t.Errorf("a call that was under way: %v", err)
	}
	cancel()
	<-blocked
	lines := []string{p.Hear(), p.Hear()}
	slices.Sort(lines)
	if !slices.Equal(lines, []string{"cancelled", "drained"}) {
		t.Errorf("%q", lines)
	}
	if _, err := rpc.Call[int](background, o, "Add", 1, 2); err == nil {
		t.Error("a server that is gone answers")
	}
}

// A call that waits for a peer which reads nothing ends with its context.
func TestCancelWhileThePeerReadsNothing(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	c, err := rpc.NewClient(background, here, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(background)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := rpc.Call[any](ctx, c.Object("Calc"), "Echo", make([]byte, 100_000)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	cancel()
	all.Wait()
}

func TestTooManyCallsAreRefused(t *testing.T) {
	object := newCalc()
	c := inProcess(t, object, &rpc.Config{MaxCalls: 2}, nil)
	o := c.Object("Calc")
	ctx, cancel := context.WithCancel(background)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { rpc.Call[any](ctx, o, "Block") })
		<-object.entered
	}
	_, err := rpc.Call[int](background, o, "Add", 1, 2)
	var e *rpc.Error
	if !errors.As(err, &e) || e.Code != rpc.CodeBusy {
		t.Errorf("%v", err)
	}
	cancel()
	all.Wait()
	n, err := rpc.Call[int](background, o.Idempotent(), "Add", 1, 2)
	for ; errors.As(err, &e) && e.Code == rpc.CodeBusy; n, err = rpc.Call[int](background, o, "Add", 1, 2) {
	}
	expect(t, n, err, 3)
}
