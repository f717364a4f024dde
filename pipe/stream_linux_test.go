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

// A peer that has ended reading will not read the rest, though it lives.
func TestDrainAfterThePeerEndedReading(t *testing.T) {
	for _, cfg := range []*Config{nil, {Message: true}} {
		client, server, err := connected(t, cfg, cfg)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(client, "read")
		if _, err := server.Read(make([]byte, 4)); err != nil {
			t.Error(err)
		}
		io.WriteString(client, "unread")
		drained := make(chan error)
		go func() { drained <- drainFor(client, ipctest.Patience) }()
		if err := ipctest.AwaitAsleep("pipe.(*stream).drain", 1); err != nil {
			t.Error(err)
		}
		server.CloseRead()
		if err := <-drained; !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Drain: %v, want io.ErrClosedPipe", err)
		}
		client.Close()
		server.Close()
	}
}

// What was read counts, whatever became of later writes.
func TestDrainAfterALaterWriteFailed(t *testing.T) {
	for _, end := range []func(*Conn) error{(*Conn).CloseRead, (*Conn).Close} {
		client, server, err := connected(t, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(client, "read")
		if _, err := io.ReadFull(server, make([]byte, 4)); err != nil {
			t.Error(err)
		}
		if err := end(server); err != nil {
			t.Error(err)
		}
		if _, err := io.WriteString(client, "too late"); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Write: %v, want io.ErrClosedPipe", err)
		}
		if err := drainFor(client, ipctest.Patience); err != nil {
			t.Errorf("Drain: %v, though all that was written was read", err)
		}
		client.Close()
		server.Close()
	}
}

// An end that has ended writing still learns that all was read.
func TestDrainAfterCloseWrite(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	io.WriteString(client, "text")
	if err := client.CloseWrite(); err != nil {
		t.Error(err)
	}
	drained := make(chan error)
	go func() { drained <- drainFor(client, ipctest.Patience) }()
	if err := ipctest.AwaitAsleep("pipe.(*stream).drain", 1); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(server); string(got) != "text" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := <-drained; err != nil {
		t.Errorf("Drain: %v", err)
	}
}
