package endpoint_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/mq"
)

// A server that listens wherever its operator says.
func ExampleListen() {
	ctx := context.Background()
	url := fmt.Sprintf("pipe://example-%d", os.Getpid()) // from a flag, typically
	l, err := endpoint.Listen(ctx, url)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "welcome")
	}()

	conn, err := endpoint.DialWait(ctx, url)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	text, err := io.ReadAll(conn)
	fmt.Println(string(text), err)
	// Output: welcome <nil>
}

func ExampleOpenQueue() {
	ctx := context.Background()
	name := fmt.Sprintf("example-%d", os.Getpid())
	q, err := endpoint.OpenQueue(ctx, "mq://"+name+"?create&capacity=100")
	if err != nil {
		log.Fatal(err)
	}
	defer mq.Remove(name, nil)
	defer q.Close()
	if err := q.Send(ctx, mq.Outgoing{Body: []byte("work")}); err != nil {
		log.Fatal(err)
	}
	m, err := q.Receive(ctx, nil)
	fmt.Printf("%s %v\n", m.Body, err)
	// Output: work <nil>
}
