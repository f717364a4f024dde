package shmnet_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/breezeway-ipc/breezeway/shmnet"
)

// Both ends are shown in one process; usually they are in two.
func Example() {
	name := fmt.Sprintf("example-%d", os.Getpid())
	l, err := shmnet.Listen(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		defer c.Close()
		io.Copy(c, c)
	}()

	c, err := shmnet.Dial(context.Background(), name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintln(c, "through the breezeway")
	answer, err := bufio.NewReader(c).ReadString('\n')
	fmt.Print(answer, err, "\n")
	// Output:
	// through the breezeway
	// <nil>
}

// What is made in place is not copied.
func ExampleConn_Reserve() {
	name := fmt.Sprintf("example-reserve-%d", os.Getpid())
	l, err := shmnet.Listen(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	c, err := shmnet.Dial(context.Background(), name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	room, err := c.Reserve(100)
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Commit(copy(room, "made in place")); err != nil {
		log.Fatal(err)
	}

	server, err := l.AcceptContext(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	arrived, err := server.Peek(100)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(arrived))
	if err := server.Discard(len(arrived)); err != nil {
		log.Fatal(err)
	}
	// Output: made in place
}
