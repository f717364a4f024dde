package socket

import (
	"net"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestConn(t *testing.T) {
	for name, e := range endpoints(t) {
		if e.network == "unixpacket" {
			continue // no stream
		}
		test := ipctest.TestConn
		if e.network == "tls" {
			// nettest writes again after a deadline has ended a Write, which crypto/tls
			// doesn't allow.
			test = ipctest.TestConnOfOurs
		}
		t.Run(name, func(t *testing.T) {
			test(t, func() (net.Conn, net.Conn, error) {
				a, b := pair(t, e)
				return a, b, nil
			})
		})
	}
}

func TestListener(t *testing.T) {
	for name, e := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			ipctest.TestListener(t, func(before net.Listener) (net.Listener, error) {
				if before != nil {
					return Listen(e.network, before.Addr().String(), e.server)
				}
				return Listen(e.network, e.address(t), e.server)
			}, func(l net.Listener) (net.Conn, error) {
				return Dial(t.Context(), e.network, l.Addr().String(), e.client)
			})
		})
	}
}
