package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// One process at a time deploys. If the one before died in the middle, this one is
// told.
func ExampleMutex() {
	m, err := ipcsync.OpenOrCreateMutex("example-deploy", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindMutex, "example-deploy", nil)
	defer m.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	h, err := m.Lock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if h.Recovered() {
		fmt.Println("put in order what is half done")
		h.MarkConsistent()
	}
	fmt.Println("deploying")
	if err := h.Unlock(); err != nil {
		log.Fatal(err)
	}
	// Output: deploying
}

// A lock in a mapped file, beside the data that it protects.
func ExamplePlace() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	f, err := os.Create(filepath.Join(dir, "counter"))
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	shared, err := mmap.Map(f, &mmap.Config{Capacity: ipcsync.Size + 8})
	if err != nil {
		log.Fatal(err)
	}
	defer shared.Close()

	m, err := ipcsync.CreateMutex("", &ipcsync.Config{At: ipcsync.Place{File: f, Offset: 0}})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	h, err := m.Lock(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	n, err := mmap.Read[int64](shared, ipcsync.Size)
	if err == nil {
		err = mmap.Write(shared, ipcsync.Size, n+1)
	}
	if err != nil {
		log.Fatal(err)
	}
	if err := h.Unlock(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(mmap.Read[int64](shared, ipcsync.Size))
	// Output: 1 <nil>
}

// Whichever of two queues has something.
func ExampleWaitAny() {
	urgent, err := ipcsync.OpenOrCreateSemaphore("example-urgent", 0, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindSemaphore, "example-urgent", nil)
	defer urgent.Close()
	normal, err := ipcsync.OpenOrCreateSemaphore("example-normal", 0, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindSemaphore, "example-normal", nil)
	defer normal.Close()

	if _, err := normal.Release(1); err != nil { // as another process would
		log.Fatal(err)
	}
	i, _, err := ipcsync.WaitAny(context.Background(), urgent, normal)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println([]string{"urgent", "normal"}[i])
	// Output: normal
}
