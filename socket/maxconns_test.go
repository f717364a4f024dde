package socket

import (
	"testing"
	"time"
)

// Clients that wait for room keep neither Close of the listener nor of what it returned.
func TestCloseBesideWaitingClients(t *testing.T) {
	for name, e := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			l := mustListen(t, e.withRoomFor(1))
			mustDial(t, e.network, l.Addr().String(), e.client)
			accepted, err := l.AcceptContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				mustDial(t, e.network, l.Addr().String(), e.client)
			}
			if n := l.Stats().Accepted; n != 1 {
				t.Errorf("%d are accepted", n)
			}
			within(t, "Close of the listener", l.Close)
			within(t, "Close of the connection", accepted.Close)
			if n := l.Stats().Open; n != 0 {
				t.Errorf("%d are open", n)
			}
		})
	}
}

// A listener that no Accept was called of has accepted none.
func TestCloseWithoutAccept(t *testing.T) {
	for name, e := range endpoints(t) {
		t.Run(name, func(t *testing.T) {
			l := mustListen(t, e.withRoomFor(1))
			mustDial(t, e.network, l.Addr().String(), e.client)
			within(t, "Close of the listener", l.Close)
		})
	}
}

// withRoomFor returns e with a listener that has at most n connections open.
func (e endpoint) withRoomFor(n int) endpoint {
	cfg := Config{MaxConns: n}
	if e.server != nil {
		cfg.TLS = e.server.TLS
	}
	e.server = &cfg
	return e
}

// within expects f to return soon.
func within(t *testing.T, what string, f func() error) {
	t.Helper()
	returned := make(chan error, 1)
	go func() { returned <- f() }()
	select {
	case err := <-returned:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s has not returned after 10 s", what)
	}
}
