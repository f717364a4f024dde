package relay

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// spliceSize is how much the pipe between two sockets holds. With more, throughput between
// two Unix sockets doesn't grow.
const spliceSize = 256 << 10

// maxPipes is how many pipes there are at a time; beyond that is copied. It is a quarter of
// what all processes of a user may have until Linux makes each new pipe of theirs small.
const maxPipes = 64

var openPipes atomic.Int64

// newPipe returns a pipe, unless those that there are take an eighth of the descriptors that
// this process may have: a connection that is idle keeps its pipes, and others need some too.
func newPipe() (pipe [2]int, ok bool) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return pipe, false
	}
	if openPipes.Add(1) > int64(min(maxPipes, limit.Cur/16)) || unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		openPipes.Add(-1)
		return pipe, false
	}
	if _, err := unix.FcntlInt(uintptr(pipe[0]), unix.F_SETPIPE_SZ, spliceSize); err != nil {
		closePipe(pipe) // a small one is slower than copying
		return pipe, false
	}
	return pipe, true
}

func closePipe(pipe [2]int) {
	unix.Close(pipe[0])
	unix.Close(pipe[1])
	openPipes.Add(-1)
}

// splice passes on what comes at one socket to another one, and tells passed how much,
// until nothing more comes. The kernel hands it on by a pipe, so that this process doesn't
// copy it. done is false if what comes next is to be copied: the system may have no pipe to
// spare, or it is urgent data, which no pipe takes. If it fails, reading tells whether it
// was at the first socket.
func splice(from, to syscall.RawConn, passed func(n int)) (done, reading bool, err error) {
	pipe, ok := newPipe()
	if !ok {
		return false, false, nil
	}
	defer closePipe(pipe)
	for begun := false; ; begun = true {
		n, err := move(from.Read, func(fd int) (int, error) { return take(fd, pipe[1]) })
		switch {
		case errors.Is(err, errUrgent), !begun && errors.Is(err, unix.EINVAL): // EINVAL: not such sockets
			return false, false, nil
		case err != nil:
			return true, true, err
		case n == 0:
			return true, true, io.EOF
		}
		for n > 0 {
			moved, err := move(to.Write, func(fd int) (int, error) { return give(pipe[0], fd, n) })
			if err != nil {
				return true, false, err
			}
			passed(moved)
			n -= moved
		}
	}
}

// take moves what has arrived at a socket to a pipe. Before urgent data it finds nothing,
// or the end, whatever comes behind.
func take(fd, pipe int) (int, error) {
	n, err := unix.Splice(fd, nil, pipe, nil, spliceSize, spliceFlags)
	if err == unix.EAGAIN || n == 0 {
		if mark, failed := unix.IoctlGetInt(fd, unix.SIOCATMARK); failed == nil && mark != 0 {
			return 0, errUrgent
		}
	}
	return int(n), err
}

// give moves n bytes from a pipe to a socket, or as many as there is room for.
func give(pipe, fd, n int) (int, error) {
	moved, err := unix.Splice(pipe, nil, fd, nil, n, spliceFlags)
	return int(moved), err
}

var errUrgent = errors.New("urgent data")

const spliceFlags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK

// move calls splice when the socket is ready, which wait tells.
func move(wait func(func(fd uintptr) (done bool)) error, splice func(fd int) (int, error)) (n int, err error) {
	failed := wait(func(fd uintptr) bool {
		n, err = splice(int(fd))
		for err == unix.EINTR {
			n, err = splice(int(fd))
		}
		return err != unix.EAGAIN
	})
	if failed != nil {
		return 0, failed
	}
	return n, os.NewSyscallError("splice", err)
}
