package socket_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/breezeway-ipc/breezeway/socket"
)

// net/http over a listener of this package. With "unix" the address is a path, and only
// this user's programs connect.
func ExampleListen() {
	l, err := socket.Listen("tcp", "127.0.0.1:0", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello through the socket")
	}))

	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return socket.DialWait(ctx, "tcp", l.Addr().String(), nil)
		},
	}}
	resp, err := client.Get("http://server/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Print(string(text))
	// Output: hello through the socket
}

// A server that other machines reach. Its clients show a certificate that certificates'
// ClientCAs have signed.
func ExampleListen_tls() {
	certificates := new(tls.Config) // Certificates and ClientCAs of the server
	l, err := socket.Listen("tls", "0.0.0.0:8443", &socket.Config{TLS: certificates})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	for {
		c, err := l.AcceptContext(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer c.Close()
			fmt.Fprintf(c, "hello, %s\n", c.TLS().PeerCertificates[0].Subject.CommonName)
		}()
	}
}

// Whole messages over any connection. Both ends call Framed.
func ExampleFramed() {
	a, b := net.Pipe()
	go func() {
		f, err := socket.Framed(context.Background(), b, 1<<20) // takes up to 1 MiB
		if err != nil {
			log.Fatal(err)
		}
		f.Send([]byte("first"))
		f.Send([]byte("second"))
		f.Close()
	}()

	f, err := socket.Framed(context.Background(), a, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	for {
		message, err := f.Receive(nil)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", message)
	}
	err = f.Send(make([]byte, 2<<20))
	fmt.Println(err)
	// Output:
	// first
	// second
	// framed send: the message has 2097152 bytes, the other side takes 1048576 (too large)
}
