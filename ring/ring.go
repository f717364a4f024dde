package ring

import (
	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/robust"
)

// Ring is a ring of values of type T, which this process has open. T is a type that package
// mmap lists as one for shared memory: it holds no pointers. Methods may be called
// concurrently. On a nil or zero Ring they fail with [os.ErrInvalid].
//
// A ring is the file bw.ring.NAME (docs/formats.md) and stays, with the messages in it,
// until [Remove] or, on Linux, the next boot.
type Ring[T any] struct{ c *core }

// Create makes the ring name. It fails with [os.ErrExist] if there is one, and with
// [os.ErrInvalid] for a T that can't be shared.
func Create[T any](name string, cfg *Config) (*Ring[T], error) {
	return openRing[T](robust.Create, name, cfg)
}

// Open opens the ring name. It fails with [os.ErrNotExist] if there is none, with
// [os.ErrPermission] if it belongs to a user that is not trusted, with
// [breezeway.ErrMismatch] if it is no ring of such values, and with
// [breezeway.ErrTooLarge] if it is open as often as it can be.
func Open[T any](name string, cfg *Config) (*Ring[T], error) {
	return openRing[T](robust.Open, name, cfg)
}

// OpenOrCreate opens the ring name as [Open] does or, if there is none, makes it;
// [Ring.Created] tells which.
func OpenOrCreate[T any](name string, cfg *Config) (*Ring[T], error) {
	return openRing[T](robust.OpenOrCreate, name, cfg)
}

func openRing[T any](mode robust.OpenMode, name string, cfg *Config) (*Ring[T], error) {
	r, err := typeRecord[T]()
	c, err := open(mode, name, r, err, cfg)
	if err != nil {
		return nil, err
	}
	return &Ring[T]{c}, nil
}

func (r *Ring[T]) core() *core {
	if r == nil {
		return nil
	}
	return r.c
}

// Sender makes this process the sender, or one of many. Where only one may send, it fails
// with [os.ErrExist] while another Sender is open; one whose process died is replaced as
// soon as the kernel has released its descriptors. It fails with [breezeway.ErrRemoved] if
// the ring was removed.
func (r *Ring[T]) Sender() (*Sender[T], error) {
	c, s := r.core(), &Sender[T]{}
	if c.isZero() {
		return nil, c.fail(breezeway.OpSend, nil)
	}
	if err := s.p.begin(c); err != nil {
		return nil, c.fail(breezeway.OpSend, err)
	}
	return s, nil
}

// Receiver makes this process the receiver, or one of several. It fails with
// [os.ErrExist] while another Receiver is open where only one may receive, with
// [breezeway.ErrTooLarge] if a Broadcast has as many as it can have, and with
// [breezeway.ErrRemoved] if the ring was removed.
//
// The only receiver continues where the one before has stopped: what that had received
// and not released is received again, see [Sample.Redelivered]. A receiver of a Broadcast
// starts as Config.Start says.
func (r *Ring[T]) Receiver() (*Receiver[T], error) {
	c, v := r.core(), &Receiver[T]{}
	if c.isZero() {
		return nil, c.fail(breezeway.OpReceive, nil)
	}
	if err := v.k.begin(c); err != nil {
		return nil, c.fail(breezeway.OpReceive, err)
	}
	return v, nil
}

// Name returns the name of the ring.
func (r *Ring[T]) Name() string { return r.core().name() }

// Created reports whether the call that returned r made the ring.
func (r *Ring[T]) Created() bool { return r.core().created() }

// Stats returns the state of the ring a moment ago.
func (r *Ring[T]) Stats() (Stats, error) { return r.core().stats() }

// Close ends the use of the ring in this process, with all its senders, receivers and
// waits: these fail with [os.ErrClosed]. Values of loans and samples must not be used any
// more. What was sent stays; what was received here and not released is received again by
// the next receiver, unless the ring is a Broadcast. Closing again does nothing.
func (r *Ring[T]) Close() error { return r.core().close() }
