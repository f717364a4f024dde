package breezeway_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/breezeway-ipc/breezeway/pipe"
)

// What README.md shows first, which TestReadmeShowsTheExample compares with this.
func Example() {
	l, err := pipe.Listen("hello", nil) // this user only, on every system
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello through the pipe")
	}))

	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return pipe.DialWait(ctx, "hello", nil) // the server may start later
		},
	}}
	resp, err := client.Get("http://pipe/")
	if err != nil {
		log.Fatal(err)
	}
	io.Copy(os.Stdout, resp.Body)

	resp.Body.Close()
	client.CloseIdleConnections()
	l.Close()
	// Output: hello through the pipe
}
