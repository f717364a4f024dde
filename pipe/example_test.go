package pipe_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// exampleName keeps examples of two test runs on one machine apart.
func exampleName(name string) string { return name + strconv.Itoa(os.Getpid()) }

// A web server and its client on one machine, without a port, for this user
// only.
func Example_http() {
	name := exampleName("hello")
	l, err := pipe.Listen(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello through the pipe")
	})}
	go server.Serve(l)
	defer server.Close()

	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return pipe.Dial(ctx, name, nil)
	}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://pipe/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(os.Stdout, resp.Body)
	// Output: hello through the pipe
}

func ExampleListen() {
	name := exampleName("greeter")
	l, err := pipe.Listen(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "good morning")
	}()

	c, err := pipe.Dial(context.Background(), name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	got, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", got, err)
	// Output: good morning, <nil>
}

// Messages keep their boundaries.
func ExampleConn_ReadMessage() {
	name := exampleName("messages")
	cfg := &pipe.Config{Message: true}
	l, err := pipe.Listen(name, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := pipe.Dial(context.Background(), name, cfg)
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "one")
		io.WriteString(c, "")
		io.WriteString(c, "three")
	}()

	c, err := l.AcceptContext(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for {
		m, err := c.ReadMessage(nil)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q\n", m)
	}
	// Output:
	// "one"
	// ""
	// "three"
}
