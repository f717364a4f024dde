//go:build unix

package pipe

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

func isReset(err error) bool     { return errors.Is(err, syscall.ECONNRESET) }
func isNetClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

func TestHalfClose(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	io.WriteString(client, "question")
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(server); string(got) != "question" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	io.WriteString(server, "answer")
	server.Close()
	if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestCloseRead(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	if err := server.CloseRead(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "to nobody"); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
}

// What the other side did not read is reported once, not passed over.
func TestPeerClosedWithoutReading(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	io.WriteString(client, "unread")
	server.Close()
	if _, err := client.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("first Read: %v", err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("second Read: %v", err)
	}
}
