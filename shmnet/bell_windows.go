package shmnet

import (
	"github.com/breezeway-ipc/breezeway/internal/overlapped"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// bell is the named pipe as one end rings at the other's, and hears its own.
type bell struct {
	f           *overlapped.File
	data, space []byte // what is sent
	heard       [64]byte
}

func newBell(door *pipe.Conn) (*bell, error) {
	raw, err := door.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &bell{f: raw.(overlapped.Raw).File, data: []byte{bellData}, space: []byte{bellSpace}}, nil
}

// ringData doesn't wait: an honest peer has room for the few bells that it asked for.
// That the peer is gone is heard elsewhere.
func (b *bell) ringData() { _, _ = b.f.TryWrite(b.data) }

// ringSpace doesn't wait either.
func (b *bell) ringSpace() { _, _ = b.f.TryWrite(b.space) }

// hear waits for bells. An error other than [os.ErrDeadlineExceeded] means that the other
// end has closed.
func (b *bell) hear() ([]byte, error) {
	for {
		n, err := b.f.Read(b.heard[:])
		if n > 0 || err != nil { // a write of nothing is no end
			return b.heard[:n], err
		}
	}
}
