package pipe

import "golang.org/x/sys/unix"

// hadWriter reports whether a writer has come, and closed, since the FIFO was
// opened: until then the kernel doesn't report that there is none.
func hadWriter(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd)}}
	for {
		_, err := unix.Poll(p, 0)
		if err != unix.EINTR {
			return err == nil && p[0].Revents&unix.POLLHUP != 0
		}
	}
}
