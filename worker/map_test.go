package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// upTo yields 0 to n-1.
func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func TestMapKeepsTheOrder(t *testing.T) {
	pool := newPool(t, &Config{Workers: 3})
	for f, of := range map[*Func[int, int]]func(int) int{
		square: func(n int) int { return n * n },
		double: func(n int) int { return 2 * n }, // not idempotent: no batches
	} {
		n, i := ipctest.Count(1_000_000), 0
		for got, err := range f.Map(t.Context(), pool, upTo(n)) {
			if err != nil || got != of(i) {
				t.Fatalf("%s of %d is %d, %v", f.Name(), i, got, err)
			}
			i++
		}
		if i != n {
			t.Errorf("%s: %d results of %d", f.Name(), i, n)
		}
	}
}

func TestMapOfTexts(t *testing.T) {
	pool := newPool(t, &Config{Workers: 2})
	words := func(yield func(string) bool) {
		for i := range 10_000 {
			if !yield(fmt.Sprint("word", i)) {
				return
			}
		}
	}
	i := 0
	for got, err := range upper.Map(t.Context(), pool, words) {
		if want := fmt.Sprint("WORD", i); err != nil || got != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		i++
	}
}

func TestMapUnordered(t *testing.T) {
	pool := newPool(t, &Config{Workers: 3})
	n, sum, count := 100_000, 0, 0
	for got, err := range square.MapUnordered(t.Context(), pool, upTo(n)) {
		if err != nil {
			t.Fatal(err)
		}
		sum += got
		count++
	}
	if want := (n - 1) * n * (2*n - 1) / 6; count != n || sum != want {
		t.Errorf("%d results, sum %d, want %d and %d", count, sum, n, want)
	}
}

// An input that fails, or kills its worker, costs no other input its result.
func TestMapWithDeadlyInputs(t *testing.T) {
	cfg := quiet(2)
	cfg.Retry = 1
	pool := newPool(t, cfg)
	i, crashes := 0, 0
	for got, err := range picky.Map(t.Context(), pool, upTo(3000)) {
		switch i % 1000 {
		case 13:
			if err != errUnlucky {
				t.Errorf("%d: %v", i, err)
			}
		case 666:
			wantCrash(t, err)
			crashes++
		default:
			if err != nil || got != i {
				t.Errorf("%d: %d, %v", i, got, err)
			}
		}
		i++
	}
	if i != 3000 || crashes != 3 {
		t.Errorf("%d results and %d crashes", i, crashes)
	}
}

// Large batches of numbers lie in memory that is shared, and their inputs are called one by
// one after a death.
func TestMapInSharedMemory(t *testing.T) {
	cfg := quiet(2)
	cfg.Retry = 1
	pool := newPool(t, cfg)
	const n = 100_000
	for range 2 { // the second time in the spare memory
		i := 0
		for got, err := range rarelyDeadly.Map(t.Context(), pool, upTo(n)) {
			switch i {
			case 70_013:
				if err != errUnlucky {
					t.Errorf("%d: %v", i, err)
				}
			case 80_666:
				wantCrash(t, err)
			default:
				if err != nil || got != -i {
					t.Fatalf("%d: %d, %v", i, got, err)
				}
			}
			i++
		}
		if i != n {
			t.Errorf("%d results of %d", i, n)
		}
		if pool.spare == nil && runtime.GOOS == "linux" {
			t.Error("no memory was shared")
		}
	}
}

// The pool is closed while inputs are written to shared memory, and results read.
func TestMapWhosePoolIsClosed(t *testing.T) {
	pool := newPool(t, &Config{Workers: 2})
	n, last := 0, error(nil)
	for got, err := range square.Map(t.Context(), pool, upTo(10_000_000)) {
		if n == 200_000 {
			pool.Close()
		}
		if err == nil && got != n*n {
			t.Fatalf("%d: %d", n, got)
		}
		n++
		last = err
	}
	if !errors.Is(last, os.ErrClosed) {
		t.Errorf("it ended after %d results with %v", n, last)
	}
}

// An iterator that goes on after it was told to stop gets the same answer again.
func TestMapOfInputsThatGoOn(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	var later func(int) bool
	inputs := func(yield func(int) bool) {
		later = yield
		for i := range 1000 {
			yield(i)
		}
	}
	for range square.Map(t.Context(), pool, inputs) {
		break
	}
	if later(1) {
		t.Error("an input was taken after the end")
	}
}

func TestMapStoppedEarly(t *testing.T) {
	pool := newPool(t, &Config{Workers: 2, Grace: 50 * time.Millisecond})
	for _, ordered := range []bool{true, false} {
		read := 0
		forever := func(yield func(string) bool) {
			defer func() { read = -1 }()
			for yield("wait") {
				read++
			}
		}
		for range die.mapped(t.Context(), pool, func(yield func(string) bool) {
			if yield("at once") {
				forever(yield)
			}
		}, ordered) {
			break
		}
		if read != -1 {
			t.Error("the inputs are still being read")
		}
		for _, p := range pool.running() {
			t.Errorf("process %d still runs %s", p.PID, p.Func)
		}
	}
}

// Inputs that come slowly, or depend on results, don't wait for a batch to be full.
func TestMapOfInputsThatDependOnResults(t *testing.T) {
	pool := newPool(t, &Config{Workers: 2})
	back := make(chan int, 1)
	n := 0
	inputs := func(yield func(int) bool) {
		for i := range 20_000 { // so that batches grow
			if !yield(i) {
				return
			}
		}
		for last := range back {
			if last >= 40_000 {
				return
			}
			if !yield(last + 1) {
				return
			}
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	for _, err := range square.Map(ctx, pool, inputs) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n >= 20_000 {
			if n > 20_100 {
				back <- 40_000
				continue
			}
			back <- n
		}
	}
}

func TestMapEndsWithItsContext(t *testing.T) {
	pool := newPool(t, &Config{Workers: 2})
	because := errors.New("because")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	inputs := func(yield func(string) bool) {
		for yield("at once") {
		}
	}
	n, last := 0, error(nil)
	for _, err := range die.Map(ctx, pool, inputs) {
		if n++; n == 100 {
			cancel(because)
		}
		last = err
	}
	if !errors.Is(last, because) {
		t.Errorf("it ended with %v", last)
	}
}

func TestMapOfNothing(t *testing.T) {
	pool := newPool(t, &Config{Workers: 2})
	for range square.Map(t.Context(), pool, upTo(0)) {
		t.Error("a result of nothing")
	}
	for _, err := range square.Map(t.Context(), nil, upTo(1)) {
		if err == nil || !strings.Contains(err.Error(), "pool") {
			t.Error(err)
		}
	}
}

// Batches grow also where others keep the workers busy: that a batch has to wait for one
// doesn't say that it takes long.
func TestMapInABusyPool(t *testing.T) {
	if ipctest.UnderWine() {
		t.Skip("a call takes as long under Wine as a large batch may, so that batches stay small")
	}
	pool := newPool(t, &Config{Workers: 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var others sync.WaitGroup
	var calls atomic.Int64
	for range 2 {
		others.Go(func() {
			for ctx.Err() == nil {
				mustCall(t, slow, pool, 3*time.Millisecond)
				calls.Add(1)
			}
		})
	}
	const n = 2000
	i := 0
	for got, err := range square.Map(t.Context(), pool, upTo(n)) {
		if err != nil || got != i*i {
			t.Fatalf("%d: %d, %v", i, got, err)
		}
		i++
	}
	cancel()
	others.Wait()
	if batches := pool.Stats().Calls - calls.Load(); i != n || batches > n/10 {
		t.Errorf("%d results of %d, in %d batches", i, n, batches)
	}
}

// Inputs whose goroutine ends before them are not taken for all of them.
func TestMapOfInputsThatGoexit(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	for _, ordered := range []bool{true, false} {
		var last error
		for _, err := range square.mapped(t.Context(), pool, func(yield func(int) bool) {
			for i := range 100 {
				yield(i)
			}
			runtime.Goexit()
		}, ordered) {
			last = err
		}
		if !errors.Is(last, errNoInputs) {
			t.Errorf("ordered %t: it ended with %v", ordered, last)
		}
	}
}
