//go:build unix

package sys

import "golang.org/x/sys/unix"

// Readable reports whether a read of fd, or an accept, would not wait, or that this
// can't be told.
func Readable(fd int) bool {
	events, err := poll(fd, unix.POLLIN)
	return err != nil || events != 0
}

// HungUp reports whether neither side of the connected stream socket fd sends any
// more: the peer has closed, or each has ended writing.
func HungUp(fd int) bool {
	events, err := poll(fd, 0)
	return err == nil && events&unix.POLLHUP != 0
}

// poll returns which of the events, or errors, have occurred.
func poll(fd int, events int16) (int16, error) {
	p := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		_, err := unix.Poll(p, 0)
		if err != unix.EINTR {
			return p[0].Revents, err
		}
	}
}
