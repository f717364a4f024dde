package worker

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lingering goes on for some time at one input, whatever its ctx says.
var lingering = Define("lingering", func(_ context.Context, n int) (int, error) {
	if n == 100_000 {
		println("at it")
		time.Sleep(100 * time.Millisecond) // what it simulates is work that doesn't look at its context
	}
	return n, nil
}).Idempotent()

// The worker of a key that is closed doesn't write to the memory of a Map that is over: the
// next one gets it.
func TestMapWhoseKeyIsClosed(t *testing.T) {
	out := &lines{found: make(chan struct{}), want: "at it"}
	pool := newPool(t, &Config{Workers: 1, Stderr: out})
	key := pool.Key("key")
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		<-out.found
		key.Close()
	}()
	n, last := 0, error(nil)
	for got, err := range lingering.Map(t.Context(), key, upTo(1_000_000)) {
		if err == nil && got != n {
			t.Fatalf("%d: %d", n, got)
		}
		n++
		last = err
	}
	if !errors.Is(last, errKeyClosed) {
		t.Errorf("it ended after %d results with %v", n, last)
	}
	if pool.spare == nil {
		t.Fatal("no memory was shared")
	}
	memory := pool.spare.buffer.Bytes()
	for i := range memory {
		memory[i] = 0x55
	}
	<-closed
	if bytes.Count(memory, []byte{0x55}) != len(memory) {
		t.Error("the worker has written to the memory of the next Map")
	}
}

var closeFilesOnce sync.Once

// fileless is a function whose worker can't open files.
var fileless = Define("fileless", func(_ context.Context, n int) (int, error) {
	closeFilesOnce.Do(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{}) })
	return -n, nil
}).Idempotent()

// Batches go through the connection if workers can't get at shared memory.
func TestMapWhoseWorkersCannotShare(t *testing.T) {
	pool := newPool(t, quiet(2))
	const n = 200_000
	i := 0
	for got, err := range fileless.Map(t.Context(), pool, upTo(n)) {
		if err != nil || got != -i {
			t.Fatalf("%d: %d, %v", i, got, err)
		}
		i++
	}
	if calls := pool.Stats().Calls; i != n || calls > n/20 {
		t.Errorf("%d results of %d, by %d calls", i, n, calls)
	}
}
