package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// A program opens what another one creates, in whichever order they start.
func ExampleAwait() {
	const name = "example-await"
	go func() { // in another process
		m, err := ipcsync.CreateMutex(name, nil)
		if err != nil {
			log.Fatal(err)
		}
		defer m.Close()
		time.Sleep(100 * time.Millisecond) // until it has ended
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	m, err := ipcsync.Await(ctx, func() (*ipcsync.Mutex, error) { return ipcsync.OpenMutex(name, nil) })
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.Remove(ipcsync.KindMutex, name, nil)
	defer m.Close()
	fmt.Println("opened", m.Name())
	// Output: opened example-await
}
