package pipe

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/windows"
)

// unbuffered returns our end of a pipe whose server, the raw handle, has given it no
// buffer, as .NET's do unless they are told sizes.
func unbuffered(t *testing.T) (client *Conn, server windows.Handle) {
	t.Helper()
	name := ipctest.UniqueName()
	path, err := windows.UTF16PtrFromString(thisMachine + name)
	if err != nil {
		t.Fatal(err)
	}
	security, err := (&settings{}).access.SecurityAttributes("")
	if err != nil {
		t.Fatal(err)
	}
	server, err = windows.CreateNamedPipe(path, windows.PIPE_ACCESS_DUPLEX, 0, 1, 0, 0, 0, security)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { windows.CloseHandle(server) })
	client, err = Dial(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, server
}

// Of a pipe without a buffer nothing tells how much of a Write was taken that a deadline
// has cut off: nothing can follow it.
func TestNothingFollowsACutWriteWithoutBuffer(t *testing.T) {
	client, server := unbuffered(t)
	wrote := make(chan error)
	client.SetWriteDeadline(time.Now().Add(-time.Second))
	_, err := io.WriteString(client, "late")
	ipctest.WantError(t, err, os.ErrDeadlineExceeded)
	client.SetWriteDeadline(time.Time{})
	go func() {
		_, err := io.WriteString(client, "0123456789")
		wrote <- err
	}()
	var n uint32
	got := make([]byte, 3)
	if err := windows.ReadFile(server, got, &n, nil); err != nil || string(got[:n]) != "012" {
		t.Fatalf("%q, %v", got[:n], err)
	}
	client.SetWriteDeadline(time.Now())
	if err := <-wrote; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	client.SetWriteDeadline(time.Time{})
	_, err = io.WriteString(client, "next")
	ipctest.WantError(t, err, os.ErrDeadlineExceeded, "earlier Write", "buffer")
	client.Close()
	if _, err := io.WriteString(client, "next"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
