package python_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/breezeway-ipc/breezeway/python"
)

// A Go program that Python's Client(("127.0.0.1", 6000), authkey=b"the secret") connects to.
func ExampleNewListener() {
	below, err := net.Listen("tcp", "127.0.0.1:0") // or package socket's, at a path
	if err != nil {
		log.Fatal(err)
	}
	cfg := &python.Config{AuthKey: []byte("the secret")}
	l, err := python.NewListener(below, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	go func() { // the other program, here in Go too
		below, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		c, err := python.Client(context.Background(), below, cfg)
		if err != nil {
			log.Fatal(err)
		}
		c.Send([]byte("hello"))
		c.Close()
	}()

	c, err := l.Accept(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	message, err := c.Receive(nil)
	fmt.Printf("%s %v\n", message, err)
	// Output: hello <nil>
}

// The part of multiprocessing.connection.Client.
func ExampleClient() {
	ctx := context.Background()
	below, err := net.Dial("tcp", "127.0.0.1:6000")
	if err != nil {
		log.Fatal(err)
	}
	c, err := python.Client(ctx, below, &python.Config{AuthKey: []byte("the secret")})
	if err != nil {
		log.Fatal(err) // os.ErrPermission: the keys differ
	}
	defer c.Close()
	if err := c.Send([]byte("work")); err != nil { // Python: recv_bytes()
		log.Fatal(err)
	}
	answer, err := c.Receive(nil) // Python: send_bytes(…)
	fmt.Println(len(answer), err)
}
