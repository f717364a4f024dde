package ring

import (
	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Bytes is a ring of messages that are bytes, each of a length of its own. It is otherwise
// as [Ring]: methods may be called concurrently, and fail with [os.ErrInvalid] on a nil or
// zero Bytes.
type Bytes struct{ c *core }

// CreateBytes makes the ring name. It fails with [os.ErrExist] if there is one.
func CreateBytes(name string, cfg *Config) (*Bytes, error) {
	return openBytes(robust.Create, name, cfg)
}

// OpenBytes opens the ring name. It fails as [Open] does.
func OpenBytes(name string, cfg *Config) (*Bytes, error) { return openBytes(robust.Open, name, cfg) }

// OpenOrCreateBytes opens the ring name as [OpenBytes] does or, if there is none, makes
// it; [Bytes.Created] tells which.
func OpenOrCreateBytes(name string, cfg *Config) (*Bytes, error) {
	return openBytes(robust.OpenOrCreate, name, cfg)
}

func openBytes(mode robust.OpenMode, name string, cfg *Config) (*Bytes, error) {
	c, err := open(mode, name, byteRecord, nil, cfg)
	if err != nil {
		return nil, err
	}
	return &Bytes{c}, nil
}

func (b *Bytes) core() *core {
	if b == nil {
		return nil
	}
	return b.c
}

// Sender makes this process the sender, or one of many, as [Ring.Sender] does.
func (b *Bytes) Sender() (*BytesSender, error) {
	c, s := b.core(), &BytesSender{}
	if c.isZero() {
		return nil, c.fail(breezeway.OpSend, nil)
	}
	if err := s.p.begin(c); err != nil {
		return nil, c.fail(breezeway.OpSend, err)
	}
	return s, nil
}

// Receiver makes this process the receiver, or one of several, as [Ring.Receiver] does.
func (b *Bytes) Receiver() (*BytesReceiver, error) {
	c, r := b.core(), &BytesReceiver{}
	if c.isZero() {
		return nil, c.fail(breezeway.OpReceive, nil)
	}
	if err := r.k.begin(c); err != nil {
		return nil, c.fail(breezeway.OpReceive, err)
	}
	return r, nil
}

// MaxMessage returns how many bytes a message may have.
func (b *Bytes) MaxMessage() int {
	if b.core().isZero() {
		return 0
	}
	return b.c.made.maxMessage()
}

// Name returns the name of the ring.
func (b *Bytes) Name() string { return b.core().name() }

// Created reports whether the call that returned b made the ring.
func (b *Bytes) Created() bool { return b.core().created() }

// Stats returns the state of the ring a moment ago.
func (b *Bytes) Stats() (Stats, error) { return b.core().stats() }

// Close ends the use of the ring in this process, as [Ring.Close] does.
func (b *Bytes) Close() error { return b.core().close() }
