package socket

import (
	"errors"
	"io"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Drain learns that the other side left bytes unread although a Read learns it too, which
// the system tells but once.
func TestDrainBesideRead(t *testing.T) {
	e := endpoint{network: "unix", address: socketPath}
	l := mustListen(t, e)
	for range ipctest.Count(1000) {
		client, err := Dial(t.Context(), "unix", l.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.AcceptContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Write([]byte("unread")); err != nil {
			t.Fatal(err)
		}
		read := make(chan struct{})
		go func() {
			client.Read(make([]byte, 1))
			close(read)
		}()
		go server.Close()
		if err := client.Drain(t.Context()); !errors.Is(err, io.ErrClosedPipe) {
			t.Fatalf("Drain: %v", err)
		}
		<-read
		client.Close()
	}
}
