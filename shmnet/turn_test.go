//go:build linux || windows

package shmnet

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// mustEnd returns what a call ends with that was started in a goroutine.
func mustEnd(t *testing.T, call <-chan error) error {
	t.Helper()
	select {
	case err := <-call:
		return err
	case <-time.After(ipctest.Patience):
		t.Fatal("the call doesn't end")
		return nil
	}
}

// start calls f in a goroutine of its own.
func start(f func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- f() }()
	return result
}

// awaitWaiting returns when so many calls wait for their turn, having looked once.
func awaitWaiting(t *testing.T, n int) {
	t.Helper()
	if err := ipctest.AwaitAsleep("shmnet.(*turn).take", n); err != nil {
		t.Fatal(err)
	}
}

// TestDrainBehindAWriteHeedsItsContext cancels a Drain that waits until a Write has ended,
// of which the other side reads nothing.
func TestDrainBehindAWriteHeedsItsContext(t *testing.T) {
	client, server, err := connected(nil, &Config{BufferSize: minBufferSize})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	write := func() error { _, err := client.Write(make([]byte, 2*minBufferSize)); return err }
	first, second := start(write), start(write)
	awaitWaiting(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	drain := start(func() error { return client.Drain(ctx) })
	awaitWaiting(t, 2)
	cancel()
	if err := mustEnd(t, drain); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain: %v", err)
	}
	client.Close()
	mustEnd(t, first)
	mustEnd(t, second)
}

// TestDrainBeforeTheAnswerHeedsItsContext cancels a Drain at the server's end while the
// client has not yet said how bytes travel.
func TestDrainBeforeTheAnswerHeedsItsContext(t *testing.T) {
	l := mustListen(t, ipctest.UniqueName(), nil)
	at, err := pipeName(l.name)
	if err != nil {
		t.Fatal(err)
	}
	door, err := pipe.Dial(context.Background(), at, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	server := mustAccept(t, l)
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	drain := start(func() error { return server.Drain(ctx) })
	if err := ipctest.AwaitAsleep("shmnet.(*Conn).drain", 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := mustEnd(t, drain); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain: %v", err)
	}
}

// TestDeadlineOfAWriteBehindACommit has a Commit, which no deadline ends, and a Write wait
// for a ReadFrom that doesn't end. The deadline ends the Write.
func TestDeadlineOfAWriteBehindACommit(t *testing.T) {
	client, server, err := connected(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	source, end := io.Pipe()
	readFrom := start(func() error { _, err := client.ReadFrom(source); return err })
	if _, err := io.WriteString(end, "x"); err != nil { // ReadFrom has its turn
		t.Fatal(err)
	}
	commit := start(func() error { return client.Commit(1) })
	awaitWaiting(t, 1)
	write := start(func() error { _, err := io.WriteString(client, "x"); return err })
	awaitWaiting(t, 2)
	client.SetWriteDeadline(time.Unix(1, 0))
	if err := mustEnd(t, write); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: %v", err)
	}
	end.Close()
	mustEnd(t, readFrom)
	if err := mustEnd(t, commit); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Commit of what is not reserved any more: %v", err)
	}
}
