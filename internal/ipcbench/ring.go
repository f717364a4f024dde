package ipcbench

import (
	"errors"

	"github.com/breezeway-ipc/breezeway/ring"
)

// messageRing is a ring of bytes for each way: messages are written and read in place.
var messageRing = transport{
	name:     "ring",
	style:    7,
	missing:  only("linux windows", "rings are for Linux and Windows"),
	cantSpin: needsProcessors,
	serve: func(e *end) (link, error) {
		l, err := newRingLink(e, e.backName(), e.name(), ring.CreateBytes)
		if err != nil {
			return nil, err
		}
		e.ready("")
		return l, nil
	},
	dial: func(e *end) (link, error) {
		l, err := newRingLink(e, e.name(), e.backName(), ring.OpenBytes)
		if err != nil {
			return nil, err
		}
		return l, nil
	},
	remove: func(name string) {
		ring.Remove(name, nil)
		ring.Remove(backName(name), nil)
	},
}

// ringLink is a link over a ring for each way.
type ringLink struct {
	end    *end
	rings  []*ring.Bytes
	out    *ring.BytesSender
	in     *ring.BytesReceiver
	loan   ring.BytesLoan
	sample ring.BytesSample
}

func newRingLink(e *end, out, in string, open func(string, *ring.Config) (*ring.Bytes, error)) (l *ringLink, err error) {
	l = &ringLink{end: e}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	cfg := &ring.Config{Wait: ring.WaitSpin, CapacityBytes: max(1<<20, 16*int64(e.size))}
	if e.mode == Park {
		cfg.Wait = ring.WaitPark
	}
	o, err := open(out, cfg)
	if err != nil {
		return l, err
	}
	l.rings = append(l.rings, o)
	i, err := open(in, cfg)
	if err != nil {
		return l, err
	}
	l.rings = append(l.rings, i)
	if l.out, err = o.Sender(); err != nil {
		return l, err
	}
	l.in, err = i.Receiver()
	return l, err
}

func (l *ringLink) Room(n int) (b []byte, err error) {
	if l.loan, err = l.out.Loan(l.end.ctx, n); err != nil {
		return nil, err
	}
	return l.loan.Bytes(), nil
}

func (l *ringLink) Send() error { return l.loan.Send() }

func (l *ringLink) Receive(int) (b []byte, err error) {
	if l.sample, err = l.in.Receive(l.end.ctx); err != nil {
		return nil, err
	}
	return l.sample.Bytes(), nil
}

func (l *ringLink) Release() error { return l.sample.Release() }

func (l *ringLink) Close() error {
	var errs []error
	for _, r := range l.rings {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
