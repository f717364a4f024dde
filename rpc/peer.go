package rpc

import (
	"crypto/tls"
	"io"
	"net"
	"runtime"

	"github.com/breezeway-ipc/breezeway"
)

// peerOf returns the process at the other end, as far as the connection tells.
func peerOf(c net.Conn) breezeway.Peer {
	if p, ok := c.(interface{ Peer() breezeway.Peer }); ok {
		return p.Peer()
	}
	return breezeway.Peer{UID: -1, GID: -1}
}

// isLocal reports whether a connection comes from a user that was admitted: the mechanism
// knows the peer's user, or the socket is a file, which has permissions, or the system says
// that the peer is of the same user. A connection of net.Pipe never left the process.
func isLocal(c net.Conn) bool {
	if p := peerOf(c); p.UID >= 0 || p.SID != "" {
		return true
	}
	a := c.LocalAddr()
	switch c := c.(type) {
	case *net.UnixConn:
		if isFile(a) {
			return true
		}
		return isSameUser(c)
	default:
		return a != nil && a.Network() == "pipe" && a.String() == "pipe"
	}
}

// isFile reports whether the name of a Unix socket is a path. An abstract one has no
// permissions, and one without a name was passed on from wherever.
func isFile(a net.Addr) bool {
	u, ok := a.(*net.UnixAddr)
	return ok && u != nil && u.Name != "" && u.Name[0] != '@'
}

// rawOf returns what a TLS connection of crypto/tls goes over: its own Close waits for a
// handshake.
func rawOf(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}

// addressOf is for logs.
func addressOf(c net.Conn) string {
	if a := c.RemoteAddr(); a != nil {
		return a.String()
	}
	return ""
}

// isEnd reports whether a stream ended between two messages.
func isEnd(err error) bool { return err == nil || err == io.EOF }

// tlsOf returns what was agreed on by TLS, nil without TLS.
func tlsOf(c net.Conn) *tls.ConnectionState {
	switch t := c.(type) {
	case interface{ ConnectionState() tls.ConnectionState }: // *tls.Conn
		state := t.ConnectionState()
		return &state
	case interface{ TLS() *tls.ConnectionState }: // *socket.Conn
		return t.TLS()
	}
	return nil
}

// canContinue reports whether a write that timed out says what it has written, so that the
// rest can follow: sockets do, and this module's connections, which know their peer. TLS
// breaks the connection, also inside of another type, and Windows can't tell it of every pipe.
func canContinue(c net.Conn) bool {
	if runtime.GOOS == "windows" || tlsOf(c) != nil {
		return false
	}
	switch c.(type) {
	case *net.UnixConn, *net.TCPConn, interface{ Peer() breezeway.Peer }:
		return true
	}
	return false
}
