// Program is what a test runs by go run.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway/worker"
)

var greet = worker.Define("greet", func(_ context.Context, name string) (string, error) {
	return fmt.Sprintf("hello, %s, from another process: %t", name, os.Getppid() == parent()), nil
})

// parent is the process that main runs in.
func parent() (pid int) {
	fmt.Sscan(os.Getenv("PROGRAM_PID"), &pid)
	return pid
}

func main() {
	worker.Main()
	ctx := context.Background()
	pool, err := worker.Start(ctx, &worker.Config{Workers: 1, Env: []string{fmt.Sprint("PROGRAM_PID=", os.Getpid())}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer pool.Close()
	fmt.Println(greet.Call(ctx, pool, "world"))
}
