//go:build linux || windows

package shmnet

import (
	"errors"
	"fmt"
	"net"
	"testing"
)

// TestInPlace sends and receives without copies.
func TestInPlace(t *testing.T) {
	for name, test := range transports {
		t.Run(name, func(t *testing.T) {
			client, server, err := connected(test.client, test.server)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			defer server.Close()
			const total = 300 << 10
			sending := make(chan error, 1)
			go func() { sending <- fillInPlace(client, total) }()
			if err := checkInPlace(server, total); err != nil {
				t.Error(err)
			}
			if err := <-sending; err != nil {
				t.Error(err)
			}
		})
	}
}

func fillInPlace(c *Conn, total int) error {
	for at := 0; at < total; {
		p, err := c.Reserve(min(total-at, 5000))
		if err != nil {
			return err
		}
		for i := range p {
			p[i] = pattern(at + i)
		}
		if err := c.Commit(len(p)); err != nil {
			return err
		}
		at += len(p)
	}
	return nil
}

func checkInPlace(c *Conn, total int) error {
	for at := 0; at < total; {
		p, err := c.Peek(7000)
		if err != nil {
			return err
		}
		taken := (len(p) + 1) / 2
		for i := range taken {
			if p[i] != pattern(at+i) {
				return fmt.Errorf("byte %d is %#x, want %#x", at+i, p[i], pattern(at+i))
			}
		}
		if err := c.Discard(taken); err != nil {
			return err
		}
		at += taken
	}
	return nil
}

// TestInPlaceAfterClose holds parts of the ring while the connection is closed: they stay
// valid memory.
func TestInPlaceAfterClose(t *testing.T) {
	client, server, err := connected(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := server.Write([]byte("held")); err != nil {
		t.Fatal(err)
	}
	room, err := client.Reserve(100)
	if err != nil {
		t.Fatal(err)
	}
	arrived, err := client.Peek(100)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	copy(room, "after Close")
	if string(arrived) != "held" {
		t.Errorf("%q", arrived)
	}
	if err := client.Commit(1); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	if client.vacated.Load() == 2 {
		t.Error("the memory has gone before Discard")
	}
	if err := client.Discard(1); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Discard: %v", err)
	}
	if client.vacated.Load() != 2 {
		t.Error("the memory stays after Commit and Discard")
	}
}
