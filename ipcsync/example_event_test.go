package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

func ExampleEvent() {
	// A program would just say "ready"; this keeps examples apart that run at
	// the same time.
	name := fmt.Sprintf("ready-%d", os.Getpid())
	ready, err := ipcsync.OpenOrCreateEvent(name, &ipcsync.Config{ManualReset: true})
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindEvent, name, nil)
	defer ready.Close()

	// In another process, whichever comes first:
	go func() {
		ready, err := ipcsync.OpenOrCreateEvent(name, &ipcsync.Config{ManualReset: true})
		if err != nil {
			log.Fatal(err)
		}
		defer ready.Close()
		if err := ready.Set(); err != nil {
			log.Fatal(err)
		}
	}()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := ready.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("the server is ready")
	// Output: the server is ready
}
