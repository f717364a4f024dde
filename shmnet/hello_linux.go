package shmnet

import (
	"io"
	"os"

	"github.com/breezeway-ipc/breezeway/pipe"
	"golang.org/x/sys/unix"
)

// sendHello says h, with the descriptor of m beside it if there is one, which it forgets:
// the message holds its own. It doesn't wait: nothing was sent on the socket before.
func sendHello(door *pipe.Conn, h hello, m *memory) error {
	raw, err := door.SyscallConn()
	if err != nil {
		return err
	}
	var rights []byte
	if m != nil {
		rights = unix.UnixRights(int(m.file.Fd()))
	}
	var n int
	cerr := raw.Write(func(fd uintptr) bool {
		for err = unix.EINTR; err == unix.EINTR; {
			n, err = unix.SendmsgN(int(fd), h.encode(), rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		}
		return true
	})
	switch {
	case cerr != nil:
		return cerr
	case err != nil:
		return os.NewSyscallError("sendmsg", err)
	case n != helloSize:
		return io.ErrShortWrite
	}
	if m != nil {
		m.forget()
	}
	return nil
}

// receiveHello waits for what the server says. The origin is empty if there was none, or
// no descriptor left for it.
func receiveHello(door *pipe.Conn) (h hello, o origin, err error) {
	raw, err := door.SyscallConn()
	if err != nil {
		return h, o, err
	}
	defer func() {
		if err != nil {
			o.forget()
		}
	}()
	buf := make([]byte, helloSize)
	for have := 0; have < helloSize; {
		n, got, err := receiveSome(raw.Read, buf[have:])
		if got != nil && o.file == nil {
			o.file = got
		} else if got != nil {
			got.Close()
		}
		if err != nil {
			return h, o, err
		}
		have += n
	}
	h, err = decodeHello(buf)
	if err == nil && !h.shared {
		o.forget()
	}
	return h, o, err
}

// receiveSome receives some bytes, and a file if there is one beside them.
func receiveSome(read func(func(uintptr) bool) error, p []byte) (n int, f *os.File, err error) {
	rights := make([]byte, unix.CmsgSpace(4))
	var oobn int
	cerr := read(func(fd uintptr) bool {
		for err = unix.EINTR; err == unix.EINTR; {
			n, oobn, _, _, err = unix.Recvmsg(int(fd), p, rights, unix.MSG_CMSG_CLOEXEC)
		}
		return err != unix.EAGAIN
	})
	switch {
	case cerr != nil:
		return 0, nil, cerr
	case err != nil:
		return 0, nil, os.NewSyscallError("recvmsg", err)
	}
	if n == 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, firstFile(rights[:oobn]), err
}

// firstFile returns the first descriptor that was received, and closes others.
func firstFile(rights []byte) (f *os.File) {
	messages, _ := unix.ParseSocketControlMessage(rights)
	for _, m := range messages {
		fds, _ := unix.ParseUnixRights(&m)
		for _, fd := range fds {
			if f == nil {
				f = os.NewFile(uintptr(fd), "memory of the connection")
			} else {
				unix.Close(fd)
			}
		}
	}
	return f
}
