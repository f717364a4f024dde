package sys

import "golang.org/x/sys/unix"

// Unread returns how much of what was written to the Unix socket fd its peer
// has not taken yet. The unit is the kernel's bookkeeping, more than the bytes
// written; only zero is exact. lost reports that the peer closed, or was never
// accepted, with some of it unread.
func Unread(fd int) (n int, lost bool, err error) {
	n, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return 0, false, err
	}
	// The socket's pending ECONNRESET shows as POLLERR. Polling leaves it
	// there for the next Read; SO_ERROR would take it away.
	events, err := poll(fd, 0)
	return n, events&unix.POLLERR != 0, err
}

// CanWrite reports whether neither this side of the connected stream socket fd has
// ended writing nor its peer reading. Sending nothing fails only then.
func CanWrite(fd int) bool {
	for {
		err := unix.Sendto(fd, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, nil)
		if err != unix.EINTR {
			return err != unix.EPIPE
		}
	}
}
