package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/breezeway-ipc/breezeway/worker"
)

// Define functions for variables of a package, so that workers know them.
var (
	Square = worker.Define("example square", func(_ context.Context, n int) (int, error) { return n * n, nil }).Idempotent()

	ErrNotFound = worker.RegisterError("example not found", errors.New("not found"))

	Find = worker.Define("example find", func(_ context.Context, name string) (int, error) {
		if name == "crash" {
			panic("a bug")
		}
		return 0, fmt.Errorf("%s: %w", name, ErrNotFound)
	})

	// Counter has a number that each process has one of.
	Counter = worker.DefineState("example counter",
		func(context.Context) (*int, error) { return new(int), nil },
		func(_ context.Context, total *int, n int) (int, error) {
			*total += n
			return *total, nil
		})

	Upper = worker.Define("example upper", func(_ context.Context, b *worker.Buffer) (*worker.Buffer, error) {
		copy(b.Bytes(), bytes.ToUpper(b.Bytes()))
		return b, nil
	})
)

// The first line of main, and of TestMain, is worker.Main().
func Example() {
	pool, err := worker.Start(context.Background(), &worker.Config{Workers: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	n, err := Square.Call(context.Background(), pool, 12)
	fmt.Println(n, err)
	// Output: 144 <nil>
}

func ExampleFunc_Map() {
	pool, err := worker.Start(context.Background(), &worker.Config{Workers: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	for n, err := range Square.Map(context.Background(), pool, slices.Values([]int{1, 2, 3})) {
		fmt.Println(n, err)
	}
	// Output:
	// 1 <nil>
	// 4 <nil>
	// 9 <nil>
}

func ExampleCrash() {
	ctx := context.Background()
	pool, err := worker.Start(ctx, &worker.Config{Workers: 1, Stderr: new(strings.Builder)})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	_, err = Find.Call(ctx, pool, "crash")
	var crash *worker.Crash
	if errors.As(err, &crash) {
		first, _, _ := strings.Cut(crash.Stderr, "\n")
		fmt.Println(crash.Func, "died:", strings.TrimSuffix(first, " [recovered, repanicked]"))
	}
	_, err = Find.Call(ctx, pool, "key") // another worker
	fmt.Println(err, errors.Is(err, ErrNotFound))
	// Output:
	// example find died: panic: a bug
	// key: not found true
}

func ExamplePool_Key() {
	ctx := context.Background()
	pool, err := worker.Start(ctx, &worker.Config{Workers: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	tab := pool.Key("tab-7") // its calls go to one process
	for range 3 {
		n, err := Counter.Call(ctx, tab, 10)
		fmt.Println(n, err)
	}
	// Output:
	// 10 <nil>
	// 20 <nil>
	// 30 <nil>
}

func ExamplePool_Buffer() {
	ctx := context.Background()
	pool, err := worker.Start(ctx, &worker.Config{Workers: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	b, err := pool.Buffer(5)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer b.Close()
	copy(b.Bytes(), "large")
	if _, err := Upper.Call(ctx, pool, b); err != nil { // no byte of it is copied
		log.Fatal(err)
	}
	fmt.Printf("%s\n", b.Bytes())
	// Output: LARGE
}
