//go:build unix

package sys

import "golang.org/x/sys/unix"

// Readable reports whether a read of fd, or an accept, would not wait, or that this
// can't be told.
func Readable(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(p, 0)
		if err != unix.EINTR {
			return err != nil || n > 0
		}
	}
}
