package socket

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Sending and receiving allocate nothing.
func TestNoAllocation(t *testing.T) {
	if ipctest.Slow() {
		t.Skip("the race detector allocates")
	}
	for name, e := range endpoints(t) {
		if name == "tls" {
			continue // crypto/tls does
		}
		t.Run(name, func(t *testing.T) {
			a, b := pair(t, e)
			buf := make([]byte, 64)
			if n := testing.AllocsPerRun(100, func() {
				if _, err := a.Write(buf); err != nil {
					t.Fatal(err)
				}
				if _, err := b.Read(buf); err != nil {
					t.Fatal(err)
				}
			}); n != 0 && !(name == "unixpacket" && n == 1) { // package net returns the sender's address
				t.Errorf("%v allocations", n)
			}
		})
	}
	t.Run("framed", func(t *testing.T) {
		a, b := pair(t, endpoints(t)["unix"])
		made := make(chan *FramedConn)
		go func() {
			f, err := Framed(t.Context(), b, 0)
			if err != nil {
				t.Error(err)
			}
			made <- f
		}()
		from, err := Framed(t.Context(), a, 0)
		if err != nil {
			t.Fatal(err)
		}
		to, message := <-made, make([]byte, 64)
		buf := make([]byte, 0, 64<<10)
		if n := testing.AllocsPerRun(100, func() {
			if err := from.Send(message); err != nil {
				t.Fatal(err)
			}
			if _, err := to.Receive(buf); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
