package socket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/breezeway-ipc/breezeway/socket"
)

// An open file for another process, which may not be able to open it itself.
func ExampleConn_SendFiles() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(dir)
	path := filepath.Join(dir, "s")
	l, err := socket.Listen("unix", path, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	go func() { // the other process
		c, err := socket.DialWait(context.Background(), "unix", path, nil)
		if err != nil {
			log.Fatal(err)
		}
		defer c.Close()
		r, w, err := os.Pipe()
		if err != nil {
			log.Fatal(err)
		}
		defer r.Close()
		fmt.Fprint(w, "what the other process opened")
		w.Close()
		if _, err := c.SendFiles([]byte("log"), r); err != nil {
			log.Fatal(err)
		}
	}()

	c, err := l.AcceptContext(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	what := make([]byte, 16)
	n, files, err := c.ReceiveFiles(what, 1)
	if err != nil || len(files) != 1 {
		log.Fatal(len(files), err)
	}
	defer files[0].Close()
	text, err := io.ReadAll(files[0])
	fmt.Printf("%s: %s %v\n", what[:n], text, err)
	// Output: log: what the other process opened <nil>
}

// A server that is restarted by starting its next version: that takes the listener, and
// this one serves what it has accepted, and ends.
func ExampleListen_restart() {
	l, err := socket.Listen("unix", "/run/app.sock", &socket.Config{HandOver: "/run/app.handover"})
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	err = server.Serve(l)
	if errors.Is(err, socket.ErrHandedOver) {
		err = server.Shutdown(context.Background()) // waits for the requests that are open
	}
	if err != nil {
		log.Fatal(err)
	}
}

// A server that systemd starts when a client comes, or that is started by hand.
func ExampleActivated() {
	l, err := socket.Activated("", nil)
	if errors.Is(err, os.ErrNotExist) {
		l, err = socket.Listen("unix", "/run/app.sock", nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(l, http.NotFoundHandler()))
}
