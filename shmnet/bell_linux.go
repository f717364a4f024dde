package shmnet

import (
	"os"
	"syscall"

	"github.com/breezeway-ipc/breezeway/pipe"
	"golang.org/x/sys/unix"
)

// bell is the socket as one end rings at the other's, and hears its own. What its
// functions share with the poller is made once, so that ringing doesn't allocate.
type bell struct {
	raw                 syscall.RawConn
	sendData, sendSpace func(fd uintptr) (done bool)
	receive             func(fd uintptr) (done bool)

	heard [64]byte // by receive
	n     int
	err   error
}

func newBell(door *pipe.Conn) (*bell, error) {
	raw, err := door.SyscallConn()
	if err != nil {
		return nil, err
	}
	b := &bell{raw: raw, sendData: sender(bellData), sendSpace: sender(bellSpace)}
	b.receive = func(fd uintptr) bool {
		for {
			b.n, b.err = unix.Read(int(fd), b.heard[:])
			if b.err != unix.EINTR {
				return b.err != unix.EAGAIN
			}
		}
	}
	return b, nil
}

// sender returns a function that sends one byte. It doesn't wait: an honest peer has
// room for the few bells that it asked for. That the peer is gone is heard elsewhere.
func sender(what byte) func(uintptr) bool {
	message := []byte{what}
	return func(fd uintptr) bool {
		_, _ = unix.SendmsgN(int(fd), message, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		return true
	}
}

func (b *bell) ringData()  { _ = b.raw.Write(b.sendData) }
func (b *bell) ringSpace() { _ = b.raw.Write(b.sendSpace) }

// hear waits for bells. None without an error means that the other end has closed.
func (b *bell) hear() ([]byte, error) {
	if err := b.raw.Read(b.receive); err != nil {
		return nil, err
	}
	if b.err != nil {
		return nil, os.NewSyscallError("read", b.err)
	}
	return b.heard[:b.n], nil
}
