package socket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Whenever the predecessor closes while a successor comes, the successor has a listener
// that serves, and that can be handed over again.
func TestCloseDuringHandOver(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			address := freeAddress(t, network)
			for i := range ipctest.Count(500) {
				cfg := &Config{HandOver: fmt.Sprintf("%s%d", socketPath(t), i)}
				first, err := Listen(network, address, cfg)
				if err != nil {
					t.Fatal(err)
				}
				came := make(chan *Listener)
				go func() {
					l, err := Listen(network, address, cfg)
					if err != nil {
						t.Error(err)
					}
					came <- l
				}()
				for start := time.Now(); time.Since(start) < time.Duration(i%100)*5*time.Microsecond; {
				}
				if err := first.Close(); err != nil {
					t.Error(err)
				}
				second := <-came
				if second == nil {
					return
				}
				serves(t, second, address)
				succeeds(t, second, address)
			}
		})
	}
}

// freeAddress returns an address where no server listens.
func freeAddress(t *testing.T, network string) string {
	t.Helper()
	if network == "unix" {
		return socketPath(t)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serves expects that l meets a client that dials address.
func serves(t *testing.T, l *Listener, address string) {
	t.Helper()
	c, err := Dial(t.Context(), l.transport.name, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l.SetDeadline(time.Now().Add(10 * time.Second))
	defer l.SetDeadline(time.Time{})
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// succeeds expects that l, which it closes, can be handed over.
func succeeds(t *testing.T, l *Listener, address string) {
	t.Helper()
	next, err := Listen(l.transport.name, address, &l.cfg.Config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); !errors.Is(err, ErrHandedOver) {
		t.Errorf("the predecessor's Accept: %v", err)
	}
	for _, l := range []*Listener{l, next} {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(l.cfg.HandOver); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s was left: %v", l.cfg.HandOver, err)
	}
}

// A successor that was made an offer and says nothing keeps Close for a moment only, and
// can't take the listener after that.
func TestCloseBesideSilentSuccessor(t *testing.T) {
	side := socketPath(t)
	l := mustListen(t, endpoint{network: "unix", address: socketPath, server: &Config{HandOver: side}})
	c, err := net.Dial("unix", side)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	offered(t, c)
	within(t, "Close", l.Close)
	if _, err := c.Write([]byte(taken)); !isBroken(err) {
		t.Errorf("an answer that is too late: %v", err)
	}
}

// offered reads the offer, and nothing of the listener that comes with it.
func offered(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, longestOffer)); n == 0 {
		t.Fatalf("no offer: %v", err)
	}
}

// An answer that came in time counts, although the predecessor was stopped until the time
// was over.
func TestAnswerBeatsDeadline(t *testing.T) {
	for answer, want := range map[string]bool{taken: true, taken[:3]: false, "": false, "nonsense": false} {
		client, server := pair(t, endpoint{network: "unix", address: socketPath})
		if _, err := client.Write([]byte(answer)); err != nil {
			t.Fatal(err)
		}
		c := server.raw.(*net.UnixConn)
		c.SetReadDeadline(time.Now().Add(-time.Second))
		if err := awaitTaken(c); (err == nil) != want {
			t.Errorf("answer %q: %v", answer, err)
		}
		if _, err := client.Write([]byte(taken)); !isBroken(err) {
			t.Errorf("after answer %q another one: %v", answer, err)
		}
	}
}
