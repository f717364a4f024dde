package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

func ExampleCond() {
	ctx := context.Background()
	name := fmt.Sprintf("store-%d", os.Getpid())
	m, err := ipcsync.OpenOrCreateMutex(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindMutex, name, nil)
	defer m.Close()
	filled, err := ipcsync.OpenOrCreateCond(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindCond, name, nil)
	defer filled.Close()
	store := 0 // in shared memory

	done := make(chan bool)
	go func() { // in another process
		defer close(done)
		h, err := m.Lock(ctx)
		if err != nil {
			log.Fatal(err)
		}
		store++
		if err := filled.Signal(); err != nil {
			log.Fatal(err)
		}
		if err := h.Unlock(); err != nil {
			log.Fatal(err)
		}
	}()

	h, err := m.Lock(ctx)
	for err == nil && store == 0 {
		h, err = filled.Wait(ctx, h)
	}
	if err != nil {
		log.Fatal(err)
	}
	store--
	if err := h.Unlock(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("took one")
	<-done
	// Output: took one
}
