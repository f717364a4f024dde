package ipcsync_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

func ExampleLead() {
	// The process's number keeps examples that run at the same time apart.
	name := fmt.Sprintf("scheduler-%d", os.Getpid())
	defer ipcsync.Remove(ipcsync.KindLeader, name, nil)

	leader, err := ipcsync.Lead(context.Background(), name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer leader.Resign()
	if leader.Recovered() {
		fmt.Println("look after what the leader before had begun")
	}
	fmt.Println("orders carry the term", leader.Term())
	// Output: orders carry the term 1
}
