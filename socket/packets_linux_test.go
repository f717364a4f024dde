package socket

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/breezeway-ipc/breezeway"
)

// Packets stay apart; one that doesn't fit is an error.
func TestPackets(t *testing.T) {
	client, server := pair(t, endpoint{network: "unixpacket", address: socketPath})
	for _, text := range []string{"one", "and two", "longer than the buffer", "four"} {
		if _, err := io.WriteString(client, text); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 10)
	for _, want := range []string{"one", "and two"} {
		if n, err := server.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("%q, %v", buf[:n], err)
		}
	}
	if n, err := server.Read(buf); n != 10 || !errors.Is(err, breezeway.ErrTooLarge) {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if n, err := server.Read(buf); string(buf[:n]) != "four" || err != nil {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if _, err := client.Write(nil); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("an empty packet: %v", err)
	}
	if _, err := client.Write(make([]byte, 64<<20)); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Errorf("a large packet: %v", err)
	}
	client.Close()
	if _, err := server.Read(buf); err != io.EOF {
		t.Error(err)
	}
	// The types don't meet.
	l := mustListen(t, endpoint{network: "unix", address: socketPath})
	if _, err := Dial(t.Context(), "unixpacket", l.Addr().String(), nil); !errors.Is(err, breezeway.ErrMismatch) {
		t.Error(err)
	}
}
