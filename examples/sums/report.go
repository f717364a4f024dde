package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// rounds is how often each method runs, with Python before it and after it; the median
// counts.
const rounds = 5

// report is what was measured.
type report struct {
	queue, memory             time.Duration
	pythonQueue, pythonMemory time.Duration // 0 unless Python ran
	speedups                  []speedup
}

type method func(context.Context, work, *progressLine) (result, error)

func measure(ctx context.Context, o options, progress *progressLine) (r report, err error) {
	defer progress.clear()
	var queue, memory []time.Duration
	run := func() error {
		for range rounds {
			for _, m := range []struct {
				run  method
				took *[]time.Duration
			}{{throughQueue, &queue}, {inMemory, &memory}} {
				took, err := checked(ctx, m.run, o.work, progress)
				if err != nil {
					return err
				}
				*m.took = append(*m.took, took)
			}
		}
		return nil
	}
	if err := run(); err != nil {
		return r, err
	}
	if o.python { // between runs of ours: a machine's speed changes
		progress.say("Python counts")
		if r.pythonQueue, r.pythonMemory, err = runPython(ctx, o.work); err != nil {
			return r, err
		}
		if err := run(); err != nil {
			return r, err
		}
	}
	r.queue, r.memory = middle(queue), middle(memory)
	r.speedups, err = measureSpeedup(ctx, o.work, progress)
	return r, err
}

// checked runs a method once, and checks the sum.
func checked(ctx context.Context, m method, w work, progress *progressLine) (time.Duration, error) {
	r, err := m(ctx, w, progress)
	if err == nil {
		err = check(r.sum, processes*w.Count)
	}
	return r.elapsed, err
}

func check(sum, want uint64) error {
	if sum != want {
		return fmt.Errorf("the sum is %d, want %d", sum, want)
	}
	return nil
}

// middle returns the median.
func middle[T cmp.Ordered](all []T) T {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

func (r report) print(out io.Writer, o options) {
	fmt.Fprintf(out, "%d processes, %d increments each, a partial result every %d\n", processes, o.Count, o.Batch)
	line := func(what string, ours, python time.Duration) {
		fmt.Fprintf(out, "%-17s %8.1f ms", what, ms(ours))
		if python > 0 {
			fmt.Fprintf(out, "   Python %8.1f ms, %.0f times as long", ms(python), ratio(python, ours))
		}
		fmt.Fprintln(out)
	}
	line("through a queue", r.queue, r.pythonQueue)
	line("in shared memory", r.memory, r.pythonMemory)
	for _, s := range r.speedups {
		what := "processes"
		if s.processes == 1 {
			what = "process"
		}
		fmt.Fprintf(out, "worker.Map in %d %s: %.2f times as quick as a loop (as many goroutines: %.2f)\n", s.processes, what, s.times, s.limit)
	}
}

// printJSON prints the ratios; those to Python only if that ran.
func (r report) printJSON(out io.Writer) error {
	fields := struct {
		QueueRatio  float64            `json:"queue_ratio,omitzero"`
		MemoryRatio float64            `json:"memory_ratio,omitzero"`
		Speedup     map[string]float64 `json:"speedup"` // by the number of processes
		Limit       map[string]float64 `json:"limit"`   // the same of as many goroutines
	}{Speedup: map[string]float64{}, Limit: map[string]float64{}}
	if r.pythonQueue > 0 {
		fields.QueueRatio = ratio(r.pythonQueue, r.queue)
		fields.MemoryRatio = ratio(r.pythonMemory, r.memory)
	}
	for _, s := range r.speedups {
		n := strconv.Itoa(s.processes)
		fields.Speedup[n], fields.Limit[n] = s.times, s.limit
	}
	return json.NewEncoder(out).Encode(fields)
}

func ms(d time.Duration) float64              { return float64(d) / float64(time.Millisecond) }
func ratio(long, short time.Duration) float64 { return float64(long) / float64(short) }
