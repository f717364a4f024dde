package ipcbench

import (
	"errors"

	"github.com/breezeway-ipc/breezeway/mq"
)

// queueLink is a link over a queue for each way.
type queueLink[Q mq.Queue] struct {
	end       *end
	out, in   Q
	buf, room []byte
	n         int
}

// serveQueues creates the queues. Nothing is sent before the other process has opened
// them.
func serveQueues[Q mq.Queue](e *end, create func(name string) (Q, error)) (*queueLink[Q], error) {
	l, err := newQueueLink(e, e.backName(), e.name(), create)
	if err == nil {
		e.ready("")
	}
	return l, err
}

func dialQueues[Q mq.Queue](e *end, open func(name string) (Q, error)) (*queueLink[Q], error) {
	return newQueueLink(e, e.name(), e.backName(), open)
}

func newQueueLink[Q mq.Queue](e *end, out, in string, open func(name string) (Q, error)) (*queueLink[Q], error) {
	o, err := open(out)
	if err != nil {
		return nil, err
	}
	i, err := open(in)
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return &queueLink[Q]{end: e, out: o, in: i, buf: make([]byte, e.size), room: make([]byte, e.size)}, nil
}

func (l *queueLink[Q]) Room(n int) ([]byte, error) {
	l.n = n
	return l.room[:n], nil
}

func (l *queueLink[Q]) outgoing() mq.Outgoing { return mq.Outgoing{Body: l.room[:l.n]} }

func (l *queueLink[Q]) Send() error { return l.out.Send(l.end.ctx, l.outgoing()) }

func (l *queueLink[Q]) Receive(int) ([]byte, error) {
	m, err := l.in.Receive(l.end.ctx, l.buf)
	return m.Body, err
}

func (l *queueLink[Q]) Release() error { return nil }

func (l *queueLink[Q]) Close() error { return errors.Join(l.out.Close(), l.in.Close()) }
