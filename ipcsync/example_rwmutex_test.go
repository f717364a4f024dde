package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// Any number of processes read at the same time, and one writes alone.
func ExampleRWMutex() {
	name := fmt.Sprintf("example-table-%d", os.Getpid())
	table, err := ipcsync.OpenOrCreateRWMutex(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.RemoveRWMutex(name, nil)
	defer table.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	writer, err := table.Lock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if writer.Recovered() { // the writer before died
		fmt.Println("put in order what is half done")
		writer.MarkConsistent()
	}
	fmt.Println("writing")
	if err := writer.Unlock(); err != nil {
		log.Fatal(err)
	}

	reader, err := table.RLock(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("reading")
	if err := reader.Unlock(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// writing
	// reading
}

// Of all processes that call Lead, one does the work. If it dies, the next does.
func ExampleLead() {
	name := fmt.Sprintf("example-leader-%d", os.Getpid())
	leader, err := ipcsync.Lead(context.Background(), name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer ipcsync.RemoveLeader(name, nil)
	defer leader.Resign()
	fmt.Println("leading, term", leader.Term())
	// Output: leading, term 1
}
