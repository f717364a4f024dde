//go:build unix

package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"runtime"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/local"
	"github.com/breezeway-ipc/breezeway/internal/sys"
	"github.com/breezeway-ipc/breezeway/internal/watch"
	"golang.org/x/sys/unix"
)

// checkUnix checks an address, and what an abstract one does not have.
func checkUnix(n transport, address string, s *settings) error {
	switch {
	case address == "":
		return fmt.Errorf("the path is empty (%w)", os.ErrInvalid)
	case n.packets && runtime.GOOS == "darwin":
		return fmt.Errorf("macOS has no Unix sockets with packets (%w)", errors.ErrUnsupported)
	case !isAbstract(address):
		return errors.Join(sys.CanIdentifyPeers(), local.CheckPath(address))
	case runtime.GOOS != "linux":
		return fmt.Errorf("abstract names are for Linux; give a path (%w)", errors.ErrUnsupported)
	case len(address) > local.MaxPath || len(address) == 1:
		return fmt.Errorf("an abstract name has 1 to %d bytes after the @, this one %d (%w)", local.MaxPath-1, len(address)-1, os.ErrInvalid)
	case s.Mode&0o077 != 0 && s.Mode&0o066 != 0o066:
		return fmt.Errorf("an abstract name has no file whose group could be admitted: %s is 0 or 0666; name users and groups in %s (%w)",
			fail.Go("Config.Mode"), fail.Go("Config.Allow"), os.ErrInvalid)
	}
	return nil
}

// unixBound is a listening Unix socket.
type unixBound struct {
	*net.UnixListener
	owner *local.Listener // nil if the socket has no file, or it is another program's
	rule  access.Rule
}

func bindUnix(ctx context.Context, n transport, address string, s *settings) (bound, error) {
	if isAbstract(address) {
		l, err := net.ListenUnix(n.name, &net.UnixAddr{Name: address, Net: n.name})
		if err != nil {
			return nil, explainBind(explain(err))
		}
		return &unixBound{UnixListener: l, rule: s.access}, nil
	}
	l, err := local.ListenType(ctx, address, n.socketType(), s.access)
	if err != nil {
		return nil, err
	}
	return &unixBound{l.UnixListener, l, s.access.ForFile(l.Made())}, nil
}

func (n transport) socketType() int {
	if n.packets {
		return unix.SOCK_SEQPACKET
	}
	return unix.SOCK_STREAM
}

func (b *unixBound) Close() error {
	if b.owner != nil {
		return b.owner.Close()
	}
	return b.UnixListener.Close()
}

func (b *unixBound) Release() error {
	if b.owner != nil {
		return b.owner.Release()
	}
	return b.UnixListener.Close()
}

func (b *unixBound) tookOver() bool { return b.owner != nil && b.owner.TookOver() }

func (b *unixBound) file() (*os.File, error) { return b.UnixListener.File() }

// admit decides on a client. One of a socket with a file was let in by the rights of the
// file; if these were changed after Listen, the rule refuses.
func (b *unixBound) admit(peer breezeway.Peer) error {
	if b.owner == nil && peer.Groups == nil {
		peer.Groups = []int{} // there is no file by which the kernel has decided on groups
	}
	return b.rule.Admit(peer)
}

// peerOf returns the process at the other end of a Unix socket.
func peerOf(c net.Conn) (peer breezeway.Peer, err error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return unknownPeer(), nil
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return unknownPeer(), err
	}
	if cerr := raw.Control(func(fd uintptr) { peer, err = sys.PeerOf(int(fd)) }); cerr != nil {
		return unknownPeer(), cerr
	}
	return peer, err
}

// dialUnix connects to a server whose user is trusted.
func dialUnix(ctx context.Context, n transport, address string, s *settings) (net.Conn, breezeway.Peer, error) {
	c, err := connectUnix(ctx, n, address, s)
	if err != nil {
		return nil, unknownPeer(), explainDial(address, explain(err))
	}
	peer, err := peerOf(c)
	if err == nil {
		err = s.access.Trusts(peer)
	}
	if err != nil {
		c.Close()
		return nil, peer, fmt.Errorf("not talking to the server: %w", err)
	}
	return c, peer, nil
}

func connectUnix(ctx context.Context, n transport, address string, s *settings) (*net.UnixConn, error) {
	if !isAbstract(address) {
		return local.DialNetwork(ctx, n.name, address, s.access)
	}
	var pause watch.Backoff
	for {
		c, err := net.DialUnix(n.name, nil, &net.UnixAddr{Name: address, Net: n.name})
		if err == nil || !errors.Is(err, unix.EAGAIN) { // EAGAIN: a full backlog
			return c, err
		}
		if err := pause.Sleep(ctx); err != nil {
			return nil, err
		}
	}
}

func explainDial(address string, err error) error {
	explained := err
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ECONNREFUSED):
		explained = fmt.Errorf("no server listens there; start it first, or wait for it%s (%w, %w)", orWait, fs.ErrNotExist, err)
	case errors.Is(err, unix.EPROTOTYPE):
		return fmt.Errorf("the socket has another type: \"unix\" and \"unixpacket\" don't meet (%w, %w)", breezeway.ErrMismatch, err)
	case errors.Is(err, unix.ENOTSOCK):
		return fmt.Errorf("%s is not a socket (%w, %w)", address, breezeway.ErrMismatch, err)
	case errors.Is(err, unix.EACCES):
		explained = fmt.Errorf("the socket does not let uid %d in; its owner can with %s (%w)", os.Geteuid(), fail.Go("Config.Allow"), err)
	}
	if local.IsAbsent(err) {
		return &absentError{explained}
	}
	return explained
}

func readPacket(raw net.Conn, p []byte) (int, error) {
	n, _, flags, _, err := raw.(*net.UnixConn).ReadMsgUnix(p, nil)
	return n, tooLarge(n, flags, explain(err))
}

// tooLarge makes a packet that was cut off an error.
func tooLarge(n, flags int, err error) error {
	if err == nil && flags&unix.MSG_TRUNC != 0 {
		return fmt.Errorf("the packet has more bytes than the buffer, and the rest is lost: %w", &breezeway.TooLargeError{Size: uint64(n) + 1, Max: uint64(n)})
	}
	return err
}

// drain polls: the kernel raises no event when the last byte is read.
func (c *Conn) drain(ctx context.Context) error {
	if !c.transport.local {
		return errNoDrain
	}
	var pause watch.Backoff
	for {
		var ended, lost bool
		var unread int
		var err error
		if closed := c.gate.Control(func(fd uintptr) {
			// Asked first, so that what was read before counts. If both sides have ended
			// writing it says nothing, and lost alone tells.
			ended = sys.HungUp(int(fd)) && !c.writeClosed.Load()
			unread, lost, err = sys.Unread(int(fd))
		}); closed != nil {
			return closed
		}
		switch {
		case err != nil:
			return err
		case !lost && ended && c.reading.Load() > 0: // these end soon, and may know more
		case lost, c.reset.Load(), unread > 0 && ended:
			return fmt.Errorf("the other side closed without having read everything (%w)", io.ErrClosedPipe)
		case unread == 0:
			return nil
		}
		if err := pause.Sleep(ctx); err != nil {
			return err
		}
	}
}

func (c *Conn) hungUp(fd uintptr) bool { return sys.HungUp(int(fd)) }

func isInUse(err error) bool   { return errors.Is(err, unix.EADDRINUSE) }
func isTooLong(err error) bool { return errors.Is(err, unix.EMSGSIZE) }
func isRefused(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }

// isBroken reports whether an error says that the other side has closed.
func isBroken(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}

// keepOthersOut does nothing: no other process can bind the address of a live listener.
func keepOthersOut(network, address string, c syscall.RawConn) error { return nil }
