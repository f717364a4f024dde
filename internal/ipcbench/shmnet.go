package ipcbench

import (
	"context"
	"errors"
	"io"

	"github.com/breezeway-ipc/breezeway/shmnet"
)

// sharedStream is a connection whose bytes travel through shared memory.
var sharedStream = transport{
	name:     "shmnet",
	style:    8,
	missing:  only("linux windows", "shared memory carries connections on Linux and Windows"),
	cantSpin: needsProcessors,
	serve: func(e *end) (link, error) {
		l, err := shmnet.Listen(e.pipeName(), e.shmnetConfig())
		if err != nil {
			return nil, err
		}
		defer l.Close()
		e.ready("")
		c, err := l.AcceptContext(e.ctx)
		if err != nil {
			return nil, err
		}
		return newSharedLink(e, c)
	},
	dial: func(e *end) (link, error) {
		c, err := shmnet.Dial(e.ctx, e.pipeName(), e.shmnetConfig())
		if err != nil {
			return nil, err
		}
		return newSharedLink(e, c)
	},
}

func (e *end) shmnetConfig() *shmnet.Config { return &shmnet.Config{Park: e.mode == Park} }

// sharedLink is a link over such a connection. A message is copied twice, as by most
// programs: a message in place would have two parts where the ring ends.
type sharedLink struct {
	conn      *shmnet.Conn
	buf, room []byte
	n         int
	shared    bool
	stop      func() bool
}

func newSharedLink(e *end, c *shmnet.Conn) (link, error) {
	return &sharedLink{
		conn: c, buf: make([]byte, e.size), room: make([]byte, e.size),
		stop: context.AfterFunc(e.ctx, func() { c.Close() }),
	}, nil
}

func (l *sharedLink) Room(n int) ([]byte, error) {
	l.n = n
	return l.room[:n], nil
}

func (l *sharedLink) Send() error {
	_, err := l.conn.Write(l.room[:l.n])
	return err
}

func (l *sharedLink) Receive(n int) ([]byte, error) {
	if _, err := io.ReadFull(l.conn, l.buf[:n]); err != nil {
		return nil, err
	}
	if !l.shared { // now it is known
		if l.shared = l.conn.Transport() == shmnet.SharedMemory; !l.shared {
			return nil, errors.New("the connection has no shared memory")
		}
	}
	return l.buf[:n], nil
}

func (l *sharedLink) Release() error { return nil }

func (l *sharedLink) Close() error {
	l.stop()
	return l.conn.Close()
}
