package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// One process at a time works in a directory.
func ExampleFileLock() {
	dir, err := os.MkdirTemp("", "work")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(dir)
	lock, err := ipcsync.OpenFileLock(filepath.Join(dir, "lock"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(lock.Name())
	defer lock.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	held, err := lock.Lock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer held.Unlock()

	_, ok, err := lock.TryLock()
	fmt.Println(ok, err)
	// Output: false <nil>
}

// Records of one file are locked by themselves.
func ExampleFileLock_Range() {
	lock, err := ipcsync.OpenFileLock(filepath.Join(os.TempDir(), "records"), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(lock.Name())
	defer lock.Close()

	const size = 64
	third := lock.Range(2*size, size)
	held, err := third.Lock(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer held.Unlock()

	_, ok, _ := lock.Range(0, size).TryRLock()
	fmt.Println("the first is free:", ok)
	_, ok, _ = third.TryRLock()
	fmt.Println("the third is free:", ok)
	// Output:
	// the first is free: true
	// the third is free: false
}
