package worker

import (
	"context"
	"flag"
	"fmt"
	"os/exec"
	"strconv"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// python starts testdata/pool.py and returns a function that has it do something.
func python(t testing.TB, workers int) func(format string, args ...any) error {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err != nil {
		ipctest.Missing(t, "python3 is not installed")
	}
	p := ipctest.StartCommand(t, exec.Command(program, "testdata/pool.py", strconv.Itoa(workers)))
	p.Expect("ready")
	return func(format string, args ...any) error {
		p.Say(fmt.Sprintf(format, args...))
		p.Expect("done")
		return nil
	}
}

// BenchmarkPythonSubmit compares a small call with ProcessPoolExecutor.submit and result.
func BenchmarkPythonSubmit(b *testing.B) {
	pool := newPool(b, &Config{Workers: 1})
	do := python(b, 1)
	ipctest.Compare(b,
		bench.Contender{Name: "Call", Run: func(n int) error {
			for i := range n {
				if _, err := square.Call(context.Background(), pool, i); err != nil {
					return err
				}
			}
			return nil
		}},
		bench.Contender{Name: "Python", Run: func(n int) error { return do("call %d", n) }})
}

// BenchmarkPythonMap compares Map over a million small inputs with multiprocessing's imap,
// for chunks of several sizes: the best one counts. Where it is only to be seen that it
// runs, with -short or -benchtime 1x, the inputs are few.
func BenchmarkPythonMap(b *testing.B) {
	inputs, chunks := 1_000_000, []int{5_000, 20_000, 100_000, 500_000}
	if testing.Short() || flag.Lookup("test.benchtime").Value.String() == "1x" {
		inputs, chunks = 10_000, []int{2_000}
	}
	for _, chunk := range chunks {
		b.Run(fmt.Sprint(chunk), func(b *testing.B) {
			pool := newPool(b, &Config{Workers: 2})
			do := python(b, 2)
			ipctest.Compare(b,
				bench.Contender{Name: "Map", Run: func(n int) error {
					for range n {
						i := 0
						for got, err := range square.Map(context.Background(), pool, upTo(inputs)) {
							if err != nil || got != i*i {
								return fmt.Errorf("%d: %d, %w", i, got, err)
							}
							i++
						}
					}
					return nil
				}},
				bench.Contender{Name: "imap", Run: func(n int) error {
					for range n {
						if err := do("map %d %d", inputs, chunk); err != nil {
							return err
						}
					}
					return nil
				}})
		})
	}
}
