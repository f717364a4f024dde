//go:build linux || darwin

package socket

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
)

// When both sides have ended writing, what was written can be read all the same.
func TestDrainWhenBothHaveEndedWriting(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Drain is for Linux")
	}
	client, server := pair(t, endpoint{"unix", nil, nil, socketPath})
	io.WriteString(client, "text")
	server.CloseWrite()
	client.CloseWrite()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Drain(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("before it is read: %v", err)
	}
	if got, err := io.ReadAll(server); string(got) != "text" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := client.Drain(t.Context()); err != nil {
		t.Errorf("then: %v", err)
	}
}

func TestWriteAfterCloseWrite(t *testing.T) {
	client, _ := pair(t, endpoint{"unix", nil, nil, socketPath})
	client.CloseWrite()
	if _, err := io.WriteString(client, "x"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want %v", err, net.ErrClosed)
	}
}
