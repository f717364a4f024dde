//go:build linux || windows

package ipcsync_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// At most two processes of this machine encode at the same time.
func ExampleSemaphore() {
	name := fmt.Sprintf("encoders-%d", os.Getpid()) // a program would just say "encoders"
	encoders, err := ipcsync.OpenOrCreateSemaphore(name, 2, &ipcsync.Config{Max: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindSemaphore, name, nil) // or it stays, on Linux
	defer encoders.Close()

	if err := encoders.Acquire(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("encoding")
	if _, err := encoders.Release(1); err != nil {
		log.Fatal(err)
	}

	// More than there can be:
	_, err = encoders.Release(1)
	fmt.Println(errors.Is(err, breezeway.ErrTooLarge))
	// Output:
	// encoding
	// true
}

func ExampleSemaphore_Acquire() {
	name := fmt.Sprintf("jobs-%d", os.Getpid())
	jobs, err := ipcsync.CreateSemaphore(name, 0, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindSemaphore, name, nil)
	defer jobs.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	err = jobs.Acquire(ctx) // no process releases
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	// In another process, in C: sem_post(sem_open("/jobs-…", 0))
	if _, err := jobs.Release(1); err != nil {
		log.Fatal(err)
	}
	fmt.Println(jobs.TryAcquire())
	fmt.Println(jobs.TryAcquire())
	// Output:
	// true
	// true <nil>
	// false <nil>
}

func ExampleConfig() {
	name := fmt.Sprintf("tracked-%d", os.Getpid())
	cfg := &ipcsync.Config{Track: true} // in every process
	jobs, err := ipcsync.CreateSemaphore(name, 1, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindSemaphore, name, cfg)
	defer jobs.Close()

	// In another process:
	worker, err := ipcsync.OpenSemaphore(name, cfg)
	if err != nil {
		log.Fatal(err)
	}
	if err := worker.Acquire(context.Background()); err != nil {
		log.Fatal(err)
	}
	state, err := jobs.Stats()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(state.Value, state.Holders)
	worker.Close() // or the process is killed: its permit comes back

	fmt.Println(jobs.TryAcquire())
	// Output:
	// 0 1
	// true <nil>
}
