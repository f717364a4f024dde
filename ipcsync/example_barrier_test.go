package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// Workers do a phase each, and none begins the next before all have ended the
// first.
func ExampleBarrier() {
	name := fmt.Sprintf("phase-%d", os.Getpid())
	defer ipcsync.Remove(ipcsync.KindBarrier, name, nil)
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() { // in a process of its own
			b, err := ipcsync.OpenOrCreateBarrier(name, 3, nil)
			if err != nil {
				log.Fatal(err)
			}
			defer b.Close()
			// The first phase is done here.
			index, err := b.Wait(context.Background())
			if err != nil {
				log.Fatal(err)
			}
			if index == b.Parties()-1 {
				fmt.Println("all have ended the first phase")
			}
		})
	}
	workers.Wait()
	// Output: all have ended the first phase
}
