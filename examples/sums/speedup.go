package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway/worker"
)

// The work whose speed-up is measured is so many times that of one of the two processes,
// in so many parts: neither the way of a part to a worker and back may count, nor the end,
// when one process still works and the others don't. It is done so often; the median of
// the ratios counts.
const (
	speedupWork   = 60
	speedupParts  = 40
	speedupRounds = 5
)

// incrementPart is what workers do with each part. It may be done twice.
var incrementPart = worker.Define("increment", func(_ context.Context, n uint64) (uint64, error) {
	return increment(n), nil
}).Idempotent()

// speedup is how many times as quick processes are as a loop in this one.
type speedup struct {
	processes int
	times     float64
	limit     float64 // the same of as many goroutines: what the processors gave just then
}

// measureSpeedup does the work in this process and in pools of 1, 2, 4 … processes, as
// many as the machine has processors, one right after the other.
func measureSpeedup(ctx context.Context, w work, progress *progressLine) (all []speedup, err error) {
	parts := work{Count: w.Count * speedupWork, Batch: max(w.Count*speedupWork/speedupParts, 1)}
	for _, n := range processCounts(runtime.NumCPU()) {
		s := speedup{processes: n}
		if err := s.measure(ctx, parts, progress); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (s *speedup) measure(ctx context.Context, parts work, progress *progressLine) error {
	pool, err := worker.Start(ctx, &worker.Config{Workers: s.processes})
	if err != nil {
		return err
	}
	defer pool.Close()
	var times, limits []float64
	for range speedupRounds {
		alone, err1 := countInGoroutines(parts, 1)
		pooled, err2 := countInPool(ctx, pool, parts, s.processes, progress)
		together, err3 := countInGoroutines(parts, s.processes)
		if err := cmp.Or(err1, err2, err3); err != nil {
			return err
		}
		times = append(times, ratio(alone, pooled))
		limits = append(limits, ratio(alone, together))
	}
	s.times, s.limit = middle(times), middle(limits)
	return nil
}

// processCounts is 1, 2, 4 and so on, and last the number of processors.
func processCounts(processors int) (counts []int) {
	for n := 1; n < processors; n *= 2 {
		counts = append(counts, n)
	}
	return append(counts, processors)
}

// countInGoroutines does all in n goroutines of this process, each an equal share.
func countInGoroutines(w work, n int) (time.Duration, error) {
	start := time.Now()
	share := w.Count / uint64(n)
	var sum atomic.Uint64
	var counting sync.WaitGroup
	for range n {
		counting.Go(func() { sum.Add(increment(share)) })
	}
	counting.Wait()
	took := time.Since(start)
	return took, check(sum.Load(), share*uint64(n))
}

// countInPool has workers do it, and adds up.
func countInPool(ctx context.Context, pool *worker.Pool, w work, processes int, progress *progressLine) (time.Duration, error) {
	what := fmt.Sprintf("by worker.Map in %d processes", processes)
	start := time.Now()
	var sum uint64
	for part, err := range incrementPart.Map(ctx, pool, w.sizes()) {
		if err != nil {
			return 0, err
		}
		sum += part
		progress.show(what, sum, w.Count)
	}
	took := time.Since(start)
	return took, check(sum, w.Count)
}
