package worker

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/shmnet"
)

// message is the payload of the small call.
type message [56]byte

var bounce = Define("bounce", func(_ context.Context, m message) (message, error) { return m, nil })

// transport serves the traffic of package bench over the connection that it inherited:
// what a call is held against.
var transport = ipctest.Helper("transport", func(c *ipctest.Control) error {
	conn, err := shmnet.FromFile(context.Background(), os.NewFile(firstExtra, "transport"), nil)
	if err != nil {
		return err
	}
	return bench.Serve(conn)
})

// bareTransport returns round trips of what calls travel over, without calls.
func bareTransport(b testing.TB, size int) bench.Contender {
	b.Helper()
	conn, child, err := shmnet.Pair(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	cmd := ipctest.HelperCommand(b, transport)
	cmd.ExtraFiles = append(cmd.ExtraFiles, child)
	p := ipctest.StartCommand(b, cmd)
	child.Close()
	run, err := bench.RoundTrip(conn, size)
	if err != nil {
		b.Fatal(err)
	}
	return bench.Contender{Name: "shmnet", Run: run, Bytes: size, PeerPID: p.Process.Pid}
}

// calls returns calls of bounce, whose payload is touched at both ends.
func calls(ctx context.Context, on Target) bench.Contender {
	seq := 0
	return bench.Contender{Name: "Call", Bytes: len(message{}), Run: func(n int) error {
		for range n {
			seq++
			var m message
			bench.Fill(m[:], seq)
			got, err := bounce.Call(ctx, on, m)
			if err != nil {
				return err
			}
			if err := bench.Check(got[:], seq); err != nil {
				return err
			}
		}
		return nil
	}}
}

// BenchmarkCall compares a small call with a round trip of the transport below.
func BenchmarkCall(b *testing.B) {
	pool := newPool(b, &Config{Workers: 1})
	b.Run("Background", func(b *testing.B) {
		ipctest.Compare(b, calls(context.Background(), pool), bareTransport(b, len(message{})))
	})
	b.Run("Cancellable", func(b *testing.B) {
		ipctest.Compare(b, calls(b.Context(), pool), bareTransport(b, len(message{})))
	})
}

func BenchmarkMap(b *testing.B) {
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			pool := newPool(b, &Config{Workers: workers})
			before, err := sys.CPUTime(os.Getpid())
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				n := 0
				for got, err := range square.Map(b.Context(), pool, upTo(1_000_000)) {
					if err != nil || got != n*n {
						b.Fatal(got, err)
					}
					n++
				}
			}
			after, err := sys.CPUTime(os.Getpid())
			if err != nil {
				b.Fatal(err)
			}
			var others time.Duration
			for _, p := range pool.Processes() {
				others += p.CPU
			}
			perInput(b, b.Elapsed(), "ns/input")
			perInput(b, after-before, "parent-cpu-ns/input")
			perInput(b, others, "workers-cpu-ns/input")
		})
	}
}

// perInput reports a time that b.N rounds of a million inputs took.
func perInput(b *testing.B, d time.Duration, unit string) {
	b.ReportMetric(float64(d.Nanoseconds())/float64(b.N)/1e6, unit)
}

// BenchmarkBareMap has what no Map can do without: the inputs are read, and results
// yielded, by a goroutine that does nothing else; the function is called, as often, by
// another.
func BenchmarkBareMap(b *testing.B) {
	b.Run("Sequence", func(b *testing.B) {
		bare := func(inputs iter.Seq[int]) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for in := range inputs {
					if !yield(in, nil) {
						return
					}
				}
			}
		}
		for b.Loop() {
			n := 0
			for got, err := range bare(upTo(1_000_000)) {
				if err != nil || got != n {
					b.Fatal(got, err)
				}
				n++
			}
		}
		perInput(b, b.Elapsed(), "ns/input")
	})
	b.Run("Function", func(b *testing.B) {
		ctx := new(callContext)
		values := make([]int, 10_000)
		for b.Loop() {
			for range 1_000_000 / len(values) {
				if failed, ended := square.runAll(ctx, values, values); failed != nil || ended {
					b.Fatal(failed)
				}
			}
		}
		perInput(b, b.Elapsed(), "ns/input")
	})
}

func BenchmarkMapSingly(b *testing.B) {
	pool := newPool(b, &Config{Workers: 2})
	for b.Loop() {
		for _, err := range double.Map(b.Context(), pool, upTo(10_000)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e4, "ns/input")
}

// TestCallCost holds a small call against a round trip of the transport, loosely: the
// benchmark measures it.
func TestCallCost(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	r, err := bench.Compare(t.Context(), calls(context.Background(), pool), bareTransport(t, len(message{})), nil)
	if err != nil {
		t.Fatal(err)
	}
	// Under the race detector the two cost several times as much, each in its own way.
	if r.Ratio.Median > 5 && !ipctest.Slow() {
		ipctest.Late(t, "a call takes %.1f times as long as a round trip of its transport:\n%s", r.Ratio.Median, r)
	}
}

// BenchmarkStart compares starting a pool of one worker with running the same executable,
// which ends at once then.
func BenchmarkStart(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	var pools []*Pool
	ipctest.Compare(b,
		bench.Contender{Name: "Start", Run: func(n int) error {
			for range n {
				pool, err := Start(context.Background(), &Config{Workers: 1})
				if err != nil {
					return err
				}
				pools = append(pools, pool)
			}
			return nil
		}, End: func() error {
			for _, pool := range pools {
				if err := pool.Close(); err != nil {
					return err
				}
			}
			pools = nil
			return nil
		}},
		bench.Contender{Name: "bare process", Run: func(n int) error {
			for range n {
				cmd := exec.Command(exe)
				cmd.Env = append(os.Environ(), bareVariable+"=1")
				if err := cmd.Run(); err != nil {
					return err
				}
			}
			return nil
		}})
}

var sum = Define("sum", func(_ context.Context, b *Buffer) (uint64, error) { return sumOf(b.Bytes()), nil })

func sumOf(p []byte) (total uint64) {
	for ; len(p) >= 8; p = p[8:] {
		total += binary.LittleEndian.Uint64(p)
	}
	return total
}

// BenchmarkBuffer compares a function that reads 64 MiB of a buffer with a goroutine that
// reads as much of a slice.
func BenchmarkBuffer(b *testing.B) {
	pool := newPool(b, &Config{Workers: 1})
	buffer := newBuffer(b, pool, 64<<20)
	slice := make([]byte, buffer.Len())
	for i := range slice {
		slice[i] = byte(i * 7)
	}
	copy(buffer.Bytes(), slice)
	want := sumOf(slice)
	ins, outs := make(chan []byte), make(chan uint64)
	defer close(ins)
	go func() {
		for p := range ins {
			outs <- sumOf(p)
		}
	}()
	ipctest.Compare(b,
		bench.Contender{Name: "worker", Bytes: len(slice), Run: func(n int) error {
			for range n {
				if got, err := sum.Call(context.Background(), pool, buffer); err != nil || got != want {
					return fmt.Errorf("%d, %w", got, err)
				}
			}
			return nil
		}},
		bench.Contender{Name: "goroutine", Bytes: len(slice), Run: func(n int) error {
			for range n {
				ins <- slice
				if got := <-outs; got != want {
					return fmt.Errorf("%d", got)
				}
			}
			return nil
		}})
}
