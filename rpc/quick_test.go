package rpc_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

// moody has a method that is quick until it isn't.
type moody struct {
	blocks, exits atomic.Bool
	entered       chan struct{}
	release       chan struct{}
}

func newMoody() *moody {
	return &moody{entered: make(chan struct{}, 100), release: make(chan struct{})}
}

func (m *moody) Get() int {
	switch {
	case m.blocks.Load():
		m.entered <- struct{}{}
		<-m.release
	case m.exits.Load():
		runtime.Goexit()
	}
	return 7
}

func (m *moody) Add(a, b int) int { return a + b }

// Ask calls its caller back.
func (m *moody) Ask(ctx context.Context) (int, error) {
	if !m.blocks.Load() {
		return 0, nil
	}
	in, _ := rpc.IncomingFrom(ctx)
	return rpc.Call[int](ctx, in.Caller("Here"), "Get")
}

func call(t *testing.T, o *rpc.Object, method string, times int) {
	t.Helper()
	for range times {
		if _, err := rpc.Call[int](background, o, method); err != nil {
			t.Fatal(err)
		}
	}
}

// A method that has been quick a thousand times, and then waits, delays no other call, and
// neither do the calls of it that follow.
func TestQuickMethodThatWaits(t *testing.T) {
	object := newMoody()
	o := inProcess(t, object, nil, nil).Object("Calc")
	call(t, o, "Get", 1000)
	object.blocks.Store(true)
	const n = 50
	ended := make(chan error, n)
	for range n {
		go func() { _, err := rpc.Call[int](background, o, "Get"); ended <- err }()
	}
	start := time.Now()
	for range n {
		<-object.entered
	}
	sum, err := rpc.Call[int](background, o, "Add", 1, 2)
	expect(t, sum, err, 3)
	ipctest.WantSince(t, start, time.Second)
	close(object.release)
	for range n {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	object.blocks.Store(false)
	call(t, o, "Get", 100)
}

// It may end its goroutine, wait for its caller's answer, or be cancelled.
func TestQuickMethodThatEndsOtherwise(t *testing.T) {
	object := newMoody()
	c := inProcess(t, object, nil, nil)
	if err := c.Register("Here", newMoody()); err != nil {
		t.Fatal(err)
	}
	o := c.Object("Calc")
	call(t, o, "Get", 100)
	object.exits.Store(true)
	for range 10 {
		if _, err := rpc.Call[int](background, o, "Get"); err == nil {
			t.Error("no error")
		}
	}
	call(t, o, "Ask", 100)
	object.blocks.Store(true)
	n, err := rpc.Call[int](background, o, "Ask")
	expect(t, n, err, 7)
	object.blocks.Store(false)
	object.exits.Store(false)
	call(t, o, "Get", 100)
	object.blocks.Store(true)
	ctx, cancel := context.WithCancel(background)
	ended := make(chan error, 1)
	go func() { _, err := rpc.Call[int](ctx, o, "Get"); ended <- err }()
	<-object.entered
	cancel()
	<-ended
	close(object.release)
}
