package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/windows"
)

var errNoUnix = fmt.Errorf("what Windows has of Unix sockets doesn't identify the user at the other end; use a named pipe, package pipe (%w)", errors.ErrUnsupported)

func checkUnix(transport, string, *settings) error { return errNoUnix }

func bindUnix(context.Context, transport, string, *settings) (bound, error) { return nil, errNoUnix }

func dialUnix(context.Context, transport, string, *settings) (net.Conn, breezeway.Peer, error) {
	return nil, unknownPeer(), errNoUnix
}

func peerOf(net.Conn) (breezeway.Peer, error) { return unknownPeer(), nil }

func readPacket(net.Conn, []byte) (int, error) { return 0, errNoUnix }

func (c *Conn) drain(context.Context) error { return errNoDrain }

func (c *Conn) hungUp(uintptr) bool { return false }

func isInUse(err error) bool {
	return errors.Is(err, windows.WSAEADDRINUSE) || errors.Is(err, windows.WSAEACCES)
}
func isTooLong(error) bool     { return false }
func isRefused(err error) bool { return errors.Is(err, windows.WSAECONNREFUSED) }

// isBroken reports whether an error says that the other side has closed.
func isBroken(err error) bool {
	return errors.Is(err, windows.WSAECONNRESET) || errors.Is(err, windows.WSAECONNABORTED) || errors.Is(err, windows.WSAESHUTDOWN)
}

// soExclusiveAddrUse is SO_EXCLUSIVEADDRUSE, ^SO_REUSEADDR.
const soExclusiveAddrUse = ^4

// keepOthersOut keeps another process from binding the same address with SO_REUSEADDR,
// which on Windows takes it away.
func keepOthersOut(network, address string, c syscall.RawConn) (err error) {
	if cerr := c.Control(func(fd uintptr) {
		err = windows.SetsockoptInt(windows.Handle(fd), windows.SOL_SOCKET, soExclusiveAddrUse, 1)
	}); cerr != nil {
		return cerr
	}
	return os.NewSyscallError("setsockopt", err)
}
