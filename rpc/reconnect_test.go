package rpc_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// lostClient returns a client whose connection was lost, and which dials again by redial.
func lostClient(t *testing.T, redial func(context.Context) (net.Conn, error)) *rpc.Client {
	t.Helper()
	here, there := net.Pipe()
	var again atomic.Bool
	c := dialled(t, func(ctx context.Context) (net.Conn, error) {
		if again.Swap(true) {
			return redial(ctx)
		}
		return here, nil
	}, nil)
	there.Close()
	awaitDone(t, c, rpc.ErrLost)
	return c
}

var errNoServer = errors.New("there is no server")

// Close ends a call that pauses between two tries.
func TestCloseEndsThePauseOfAnIdempotentCall(t *testing.T) {
	tries := make(chan struct{}, 100)
	c := lostClient(t, func(context.Context) (net.Conn, error) {
		tries <- struct{}{}
		return nil, errNoServer
	})
	ended := make(chan error, 1)
	go func() {
		_, err := rpc.Call[int](background, c.Object("Calc").Idempotent(), "Add", 1, 2)
		ended <- err
	}()
	for range 10 { // the pause after the tenth is the longest
		<-tries
	}
	start := time.Now()
	c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) && !errors.Is(err, errNoServer) { // the pause had not begun
		t.Error(err)
	}
	ipctest.WantSince(t, start, 90*time.Millisecond) // less than the pause
}

// Close ends a call that waits until another one has dialled.
func TestCloseEndsTheWaitForADial(t *testing.T) {
	dialling, deaf := make(chan struct{}), make(chan struct{})
	c := lostClient(t, func(context.Context) (net.Conn, error) { // doesn't look at its context
		close(dialling)
		<-deaf
		return nil, errNoServer
	})
	var first sync.WaitGroup
	first.Go(func() { rpc.Call[int](background, c.Object("Calc"), "Add") })
	<-dialling
	second := callInBackground(background, c)
	c.Close()
	select {
	case got := <-second:
		ipctest.WantError(t, got.err, net.ErrClosed)
	case <-time.After(ipctest.Patience):
		t.Error("the call waits on")
	}
	close(deaf)
	first.Wait()
}

// Calls that wait for a connection share the dial that fails, as one that takes its time would
// keep the last of them for as many times as long.
func TestCallsShareADialThatFails(t *testing.T) {
	const calls = 50
	var dials atomic.Int64
	c := lostClient(t, func(context.Context) (net.Conn, error) {
		dials.Add(1)
		<-time.After(50 * time.Millisecond)
		return nil, errNoServer
	})
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			_, err := rpc.Call[int](background, c.Object("Calc"), "Add", 1, 2)
			ipctest.WantError(t, err, errNoServer)
		})
	}
	all.Wait()
	if n := dials.Load(); n > calls/2 {
		t.Errorf("%d calls dialled %d times", calls, n)
	}
}

// A call whose context ends while it dials takes no other call with it.
func TestCancelledDialIsNotShared(t *testing.T) {
	l := listen(t, "unix")
	serveAt(t, l, newCalc(), nil)
	type cancelKey struct{}
	var dials atomic.Int64
	first, waiting := make(chan struct{}), make(chan struct{}, 10)
	c := lostClient(t, func(ctx context.Context) (net.Conn, error) {
		switch dials.Add(1) {
		case 1: // the others wait behind this one
			close(first)
			for range cap(waiting) {
				<-waiting
			}
			return nil, errNoServer
		case 2:
			ctx.Value(cancelKey{}).(context.CancelFunc)()
			return nil, ctx.Err()
		}
		return dialAt(l)(ctx)
	})
	call := func() error {
		ctx, cancel := context.WithCancel(background)
		defer cancel()
		_, err := rpc.Call[int](context.WithValue(ctx, cancelKey{}, cancel), c.Object("Calc"), "Add", 1, 2)
		return err
	}
	ended := make(chan error)
	go func() { ended <- call() }()
	<-first
	for range cap(waiting) {
		go func() {
			waiting <- struct{}{}
			ended <- call()
		}()
	}
	cancelled, failed := 0, 0
	for range 1 + cap(waiting) {
		switch err := <-ended; {
		case errors.Is(err, context.Canceled):
			cancelled++
		case errors.Is(err, errNoServer):
			failed++
		case err != nil:
			t.Error(err)
		}
	}
	if cancelled != 1 || failed != 1 {
		t.Errorf("%d calls were cancelled, and for %d there was no server", cancelled, failed)
	}
}
