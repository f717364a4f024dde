//go:build unix

package pipe

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
	"golang.org/x/sys/unix"
)

func makePair(s *settings) (*Conn, *os.File, error) {
	fds, err := socketPair()
	if err != nil {
		return nil, nil, err
	}
	child := os.NewFile(uintptr(fds[1]), "pair")
	c, err := fromFile(os.NewFile(uintptr(fds[0]), "pair"), s)
	if err != nil {
		child.Close()
		return nil, nil, err
	}
	return c, child, nil
}

// socketPair returns two connected sockets that children don't inherit.
func socketPair() ([2]int, error) {
	// ForkLock keeps a concurrent fork out until the flags are set: not every system can
	// set them in the same step.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return fds, os.NewSyscallError("socketpair", err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return fds, nil
}

func fromFile(f *os.File, s *settings) (*Conn, error) {
	any, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("the file is no socket (%w): %w", breezeway.ErrMismatch, err)
	}
	c, ok := any.(*net.UnixConn)
	if !ok {
		any.Close()
		return nil, fmt.Errorf("the file is a socket, but no Unix socket (%w)", breezeway.ErrMismatch)
	}
	st, err := newStream(c, s)
	if err != nil {
		return nil, err
	}
	peer, err := st.peer()
	if err != nil {
		st.disconnect()
		return nil, err
	}
	return newConn(st, peer, "", Addr(""), s, func() {}), nil
}
