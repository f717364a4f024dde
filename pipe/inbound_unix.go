//go:build unix

package pipe

import (
	"io"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// inbound is a socket whose last byte that Read returned stays in the kernel until it
// is confirmed, if confirms is set: until then the kernel tells the peer that not
// everything was read, and if this end closes, that something is lost.
type inbound struct {
	*net.UnixConn
	raw      syscall.RawConn
	confirms bool

	mu   sync.Mutex // held while bytes are taken
	held bool       // the first byte that waits in the kernel was returned already
}

func (in *inbound) Read(p []byte) (int, error) {
	if !in.confirms {
		return in.UnixConn.Read(p)
	}
	return in.readAndHold(p)
}

// readAndHold confirms what was returned before, also if its deadline has passed.
func (in *inbound) readAndHold(p []byte) (n int, err error) {
	if err := in.confirm(); err != nil {
		return 0, err
	}
	if rerr := in.raw.Read(func(fd uintptr) bool {
		n, err = in.hold(int(fd), p)
		return err != unix.EAGAIN
	}); rerr != nil {
		return 0, rerr
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// hold reads what has arrived, except that it leaves the last byte.
func (in *inbound) hold(fd int, p []byte) (n int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.release(fd); err != nil { // of a Read that ended since
		return 0, err
	}
	n, err = receive(fd, p, unix.MSG_PEEK)
	if n == 0 || err != nil {
		return 0, err
	}
	if n > 1 {
		n, err = receive(fd, p[:n-1], 0)
		n++
	}
	in.held = err == nil
	return n, err
}

// confirm takes the byte that was left, if any.
func (in *inbound) confirm() error {
	if !in.confirms {
		return nil
	}
	return in.confirmHeld()
}

func (in *inbound) confirmHeld() (err error) {
	closed := in.raw.Control(func(fd uintptr) {
		in.mu.Lock()
		defer in.mu.Unlock()
		err = in.release(int(fd))
	})
	if closed != nil {
		return closed
	}
	return err
}

func (in *inbound) release(fd int) error {
	if !in.held {
		return nil
	}
	var one [1]byte
	_, err := receive(fd, one[:], 0)
	in.held = err != nil
	return err
}

// peek waits for bytes and returns up to n of them, which stay for the next Read.
// It confirms what was returned before.
func (in *inbound) peek(n int) (arrived []byte, err error) {
	if err := in.confirm(); err != nil {
		return nil, err
	}
	arrived = make([]byte, n)
	if err := in.raw.Read(func(fd uintptr) bool {
		n, err = receive(int(fd), arrived, unix.MSG_PEEK)
		return err != unix.EAGAIN
	}); err != nil {
		return nil, err
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	return arrived[:n], err
}

// receive reads what has arrived, or fails with EAGAIN.
func receive(fd int, p []byte, flags int) (int, error) {
	for {
		n, _, err := unix.Recvfrom(fd, p, flags|unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			return max(0, n), err
		}
	}
}
