package cli

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"github.com/breezeway-ipc/breezeway/shmnet"
	"github.com/breezeway-ipc/breezeway/socket"
)

// streamConn is a connection both ways: a *pipe.Conn, a socketConn or a
// shmnetConn.
type streamConn interface {
	net.Conn
	CloseWrite() error
	Drain(ctx context.Context) error
	PeerClosed() bool
	Confirm() error
	Peer() breezeway.Peer
}

// streamListener is where serve gets its connections from.
type streamListener interface {
	AcceptContext(ctx context.Context) (streamConn, error)
	Close() error
	Addr() net.Addr
}

// socketConn is a socket's connection. What was read from one is confirmed already.
type socketConn struct{ *socket.Conn }

func (socketConn) Confirm() error { return nil }

// lingerTime is how long a connection is kept for its other side to end.
const lingerTime = 500 * time.Millisecond

// linger waits a moment for the other side to end, or to receive what was written. TCP
// resets a connection that is closed with something unread, if only the end of TLS, and what
// has not arrived is lost then.
func (c socketConn) linger() {
	until := time.Now().Add(lingerTime)
	if !strings.HasPrefix(c.LocalAddr().Network(), "tcp") || c.CloseWrite() != nil || c.SetReadDeadline(until) != nil {
		return
	}
	if n, _ := c.Read(make([]byte, 1)); n > 0 { // what comes now is lost, and its sender learns it by the reset
		ctx, cancel := context.WithDeadline(context.Background(), until)
		defer cancel()
		for pause := (watch.Backoff{}); c.hasUnsent() && pause.Sleep(ctx) == nil; {
		}
	}
}

// shmnetConn is a connection through shared memory, of which the same holds.
type shmnetConn struct{ *shmnet.Conn }

func (shmnetConn) Confirm() error { return nil }
