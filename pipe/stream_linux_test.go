package pipe

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestWriteWhilePeerCloses: in the moment of the close Linux may tell a writer
// ECONNRESET instead of EPIPE, about once in a thousand times.
func TestWriteWhilePeerCloses(t *testing.T) {
	l := listenFor(t, ipctest.UniqueName(), nil)
	for i := range 2000 {
		client, err := Dial(context.Background(), l.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.AcceptContext(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		written := make(chan error)
		go func() {
			var err error
			for err == nil {
				_, err = client.Write(make([]byte, 1000))
			}
			written <- err
		}()
		io.CopyN(io.Discard, server, int64(i%700*100+1))
		server.Close()
		if err := <-written; !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write: %v, want io.ErrClosedPipe", err)
		}
		// Whatever the writer was told, not everything has been read.
		if err := drainFor(client, ipctest.Patience); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Drain: %v, want io.ErrClosedPipe", err)
		}
		client.Close()
	}
}
