package pipe

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/windows"
)

// Windows hands clients whichever instance is free.
const connectsInOrder = false

// leaveStale does nothing: a dead server leaves no name.
func leaveStale(testing.TB, string) {}

// While clients come and go the name is never free, neither for another server
// nor so that a client would find none.
func TestNameIsNeverFree(t *testing.T) {
	name := ipctest.UniqueName()
	server := ipctest.Start(t, echoServer, name)
	server.Expect("listening")
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for range ipctest.Count(5000) {
				c, err := Dial(context.Background(), name, nil)
				if err != nil {
					t.Error(err)
					return
				}
				c.Close()
			}
		})
	}
	done := make(chan struct{})
	go func() {
		clients.Wait()
		close(done)
	}()
	tries := 0
	for ; !isDone(done); tries++ {
		l, err := Listen(name, nil)
		if !errors.Is(err, os.ErrExist) {
			t.Errorf("try %d: %v", tries, err)
		}
		if err == nil {
			l.Close()
		}
	}
	t.Logf("%d tries", tries)
}

// Other programs' servers are respected, even if they would share the name.
func TestListenBesidesStranger(t *testing.T) {
	name := ipctest.UniqueName()
	path, err := windows.UTF16PtrFromString(thisMachine + name)
	if err != nil {
		t.Fatal(err)
	}
	const noFlags, instances, buffer = 0, windows.PIPE_UNLIMITED_INSTANCES, 4096
	h, err := windows.CreateNamedPipe(path, windows.PIPE_ACCESS_DUPLEX, noFlags, instances, buffer, buffer, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(name, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("%v", err)
	}
	windows.CloseHandle(h)
	l, err := Listen(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// Connections outlive their listener, and hold its name.
func TestConnectionsHoldTheName(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	client := mustDial(t, name, nil)
	server := mustAccept(t, l)
	l.Close()
	go io.Copy(server, server)
	echo(t, client, "goes on")
	if _, err := Listen(name, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("while a connection is open: %v", err)
	}
	// The system can't tell a server that listens no more from a busy one.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, name, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Dial: %v", err)
	}
	server.Close()
	client.Close()
	l, err := Listen(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
