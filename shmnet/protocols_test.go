package shmnet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Sum is what protocolServer serves to net/rpc.
type Sum struct{}

// Add adds.
func (Sum) Add(args [2]int, sum *int) error {
	*sum = args[0] + args[1]
	return nil
}

// protocolServer serves HTTP at Args[0] and net/rpc at Args[1].
var protocolServer = ipctest.Helper("protocol server", func(c *ipctest.Control) error {
	web, err := Listen(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { web.Close() })
	calls, err := Listen(c.Args[1], nil)
	if err != nil {
		return err
	}
	c.AtEnd(func() { calls.Close() })
	remote := rpc.NewServer()
	if err := remote.Register(Sum{}); err != nil {
		return err
	}
	go remote.Accept(calls)
	c.Say("listening")
	return http.Serve(web, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(w, r.Body)
		fmt.Fprintf(w, " and %d bytes", n)
	}))
})

// TestProtocols has protocols of the standard library run over connections, unchanged.
func TestProtocols(t *testing.T) {
	web, calls := ipctest.UniqueName(), ipctest.UniqueName()
	server := ipctest.Start(t, protocolServer, web, calls)
	server.Expect("listening")
	t.Run("net/http", func(t *testing.T) {
		client := &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return Dial(ctx, web, nil) },
		}}
		defer client.CloseIdleConnections()
		for _, size := range []int{0, 100, 1 << 20} {
			body := strings.Repeat("x", size)
			r, err := client.Post("http://server/", "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r.Body)
			r.Body.Close()
			if want := fmt.Sprintf("%s and %d bytes", body, size); err != nil || string(got) != want {
				t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
			}
		}
	})
	t.Run("net/rpc", func(t *testing.T) {
		c, err := Dial(context.Background(), calls, nil)
		if err != nil {
			t.Fatal(err)
		}
		client := rpc.NewClient(c)
		defer client.Close()
		for i := range 100 {
			var sum int
			if err := client.Call("Sum.Add", [2]int{i, 1}, &sum); err != nil || sum != i+1 {
				t.Fatalf("%d, %v", sum, err)
			}
		}
	})
}
