//go:build unix

package ipcbench

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// noSpin says why a stream can't spin here.
const noSpin = ""

// spinReader returns a reader that looks into r, whose descriptor doesn't block, again and
// again instead of letting the runtime wait for it.
func spinReader(e *end, r io.Reader) io.Reader {
	c, ok := r.(syscall.Conn)
	if !ok {
		return failingReader{errors.New("it has no descriptor to spin on")}
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return failingReader{err}
	}
	s := &spinning{end: e, raw: raw}
	_, s.pipe = r.(*os.File)
	s.try = s.look
	return s
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

// spinning is a descriptor that is read by spinning.
type spinning struct {
	end *end
	raw syscall.RawConn
	try func(fd uintptr) bool // look, made a func once

	pipe   bool
	polled [1]unix.PollFd

	p   []byte
	n   int
	err error
}

func (s *spinning) Read(p []byte) (int, error) {
	s.p = p
	if err := s.raw.Read(s.try); err != nil {
		return 0, err
	}
	if s.err == nil && s.n == 0 {
		return 0, io.EOF
	}
	return max(0, s.n), s.err
}

func (s *spinning) look(fd uintptr) bool {
	for looks := 1; ; looks++ {
		if s.readable(fd) {
			s.n, s.err = syscall.Read(int(fd), s.p)
			if s.err != syscall.EAGAIN && s.err != syscall.EINTR {
				return true
			}
		}
		if looks%lookEvery == 0 && s.end.stopped.Load() {
			s.n, s.err = 0, s.end.stop()
			return true
		}
	}
}

// readable looks into a pipe without its lock, which a reader that spins on it would keep
// from the writer.
func (s *spinning) readable(fd uintptr) bool {
	if !s.pipe {
		return true
	}
	s.polled[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	n, err := unix.Poll(s.polled[:], 0)
	return n > 0 || err != nil && err != unix.EINTR
}
