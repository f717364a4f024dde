package mq_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/breezeway-ipc/breezeway/mq"
)

func Example() {
	ctx := context.Background()
	q, err := mq.OpenOrCreate("example", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer mq.Remove("example", nil)
	defer q.Close()
	for _, m := range []mq.Outgoing{{Body: []byte("sweep")}, {Body: []byte("put out the fire"), Priority: 9}} {
		if err := q.Send(ctx, m); err != nil {
			log.Fatal(err)
		}
	}
	for range 2 {
		m, err := q.Receive(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", m.Body)
	}
	// Output:
	// put out the fire
	// sweep
}

// A worker acknowledges a message when its work is done, and gives it back when it could
// not be done.
func ExampleLocalQueue_Lease() {
	ctx := context.Background()
	q, err := mq.OpenOrCreate("example-work", &mq.Config{MaxDeliveries: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer mq.Remove("example-work", nil)
	defer q.Close()
	if err := q.Send(ctx, mq.Outgoing{Body: []byte("paint the door")}); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		d, err := q.Lease(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		if d.Redelivered() {
			fmt.Printf("%s, at last\n", d.Body)
			err = d.Ack(ctx)
		} else {
			fmt.Printf("%s: it rains\n", d.Body)
			err = d.Nack(ctx, time.Millisecond)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// paint the door: it rains
	// paint the door, at last
}
