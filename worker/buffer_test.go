package worker

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func newBuffer(t testing.TB, pool *Pool, n int) *Buffer {
	t.Helper()
	b, err := pool.Buffer(n)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBuffer(t *testing.T) {
	pool := newPool(t, quiet(1))
	b := newBuffer(t, pool, 100_001)
	for round := range 3 {
		if b.Len() != 100_001 || len(b.Bytes()) != b.Len() {
			t.Fatalf("%d bytes, %d", b.Len(), len(b.Bytes()))
		}
		for i := range b.Bytes() {
			b.Bytes()[i] = byte(i * (round + 1))
		}
		out := mustCall(t, invert, pool, labelled{"picture", b})
		if out.Pixels != b || out.Label != "picture inverted" {
			t.Errorf("%+v came back", out)
		}
		for i, v := range b.Bytes() {
			if v != ^byte(i*(round+1)) {
				t.Fatalf("byte %d is %d", i, v)
			}
		}
		if round == 1 { // a worker that dies has no part in it
			_, err := die.Call(t.Context(), pool, "exit")
			wantCrash(t, err)
		}
	}
	if out := mustCall(t, invert, pool, labelled{Label: "none"}); out.Pixels != nil {
		t.Errorf("nil became %v", out.Pixels)
	}
}

func TestBufferClosed(t *testing.T) {
	pool := newPool(t, &Config{Workers: 2})
	b := newBuffer(t, pool, 1<<20)
	mustCall(t, invert, pool, labelled{"", b})
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := invert.Call(t.Context(), pool, labelled{"", b}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
	if b.Bytes() != nil {
		t.Error("its memory is still there")
	}
	for _, n := range []int{0, -1} {
		if _, err := pool.Buffer(n); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	pool.Close()
	if _, err := pool.Buffer(1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A worker maps a buffer once, and gives it back when it is closed.
func TestBuffersDontPileUp(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	newBuffer(t, pool, 1) // or the system has none
	for range 50 {
		b, err := pool.Buffer(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		mustCall(t, invert, pool, labelled{"", b})
		mustCall(t, invert, pool, labelled{"", b})
		b.Close()
	}
	if n := mustCall(t, mappings, pool, 0); n > 2 {
		t.Errorf("the worker still has %d buffers", n)
	}
}

// A buffer that is closed while a call with it waits is missing then, on every system, and
// harms no worker.
func TestBufferClosedWhileACallBegins(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	for _, how := range []string{"new", "mapped before"} {
		buffer := newBuffer(t, pool, 4096)
		if how == "mapped before" {
			mustCall(t, invert, pool, labelled{Pixels: buffer})
		}
		before := mustCall(t, pid, pool, struct{ _ byte }{})
		ctx, cancel := context.WithCancel(t.Context())
		var calling sync.WaitGroup
		calling.Go(func() { die.Call(ctx, pool, "wait") })
		for len(pool.running()) == 0 {
			time.Sleep(time.Millisecond) // no event says that a function runs
		}
		var err error
		calling.Go(func() { _, err = invert.Call(t.Context(), pool, labelled{Pixels: buffer}) })
		for pool.Stats().Waiting == 0 {
			time.Sleep(time.Millisecond) // no event says that a call waits
		}
		buffer.Close()
		cancel()
		calling.Wait()
		if !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", how, err)
		}
		if after := mustCall(t, pid, pool, struct{ _ byte }{}); after != before {
			t.Errorf("%s: the worker is another one", how)
		}
	}
}

// The workers of another pool give a buffer back too that they were given.
func TestBufferOfAnotherPool(t *testing.T) {
	pool := newPool(t, quiet(1))
	for _, closing := range []string{"buffer", "pool"} {
		other := newPool(t, quiet(1))
		buffer := newBuffer(t, other, 4096)
		mustCall(t, invert, pool, labelled{Pixels: buffer})
		if n := mustCall(t, mappings, pool, 0); n != 1 {
			t.Fatalf("the worker has %d buffers, want 1", n)
		}
		if closing == "buffer" {
			buffer.Close()
		} else {
			other.Close()
		}
		wait := time.Now().Add(ipctest.Patience)
		for mustCall(t, mappings, pool, 0) > 0 { // commands are heard beside the calls
			if time.Now().After(wait) {
				t.Fatalf("after Close of the %s the worker still has it", closing)
			}
		}
	}
}
