package ring

import (
	"context"
	"iter"

	"github.com/breezeway-ipc/breezeway"
)

// BytesReceiver receives messages of bytes. It is for one goroutine at a time, as
// [Receiver] is.
type BytesReceiver struct{ k consumer }

// Receive returns the next message, as [Receiver.Receive] does.
func (r *BytesReceiver) Receive(ctx context.Context) (BytesSample, error) {
	if r != nil && r.k.fast {
		if from, to, size, ok := r.k.takeSoon(); ok {
			return BytesSample{&r.k, from, to, size}, nil
		}
	}
	s, _, err := r.receive(ctx, true)
	return s, err
}

// TryReceive is Receive that doesn't wait. It reports false if there is no message.
func (r *BytesReceiver) TryReceive() (BytesSample, bool, error) {
	return r.receive(context.Background(), false)
}

func (r *BytesReceiver) receive(ctx context.Context, mayWait bool) (BytesSample, bool, error) {
	if r.isZero() {
		return BytesSample{}, false, r.fail(breezeway.OpReceive, nil)
	}
	ok, err := r.k.receive(ctx, mayWait)
	if !ok {
		return BytesSample{}, false, r.fail(breezeway.OpReceive, err)
	}
	from, pos, size := r.k.take()
	if r.k.gapAfter(pos, size) {
		return BytesSample{}, false, r.fail(breezeway.OpReceive, errDamaged)
	}
	return BytesSample{&r.k, from, r.k.next, size}, true, nil
}

// gapAfter reports whether a message of so many bytes would reach beyond the end of the
// cells, which no sender does.
func (k *consumer) gapAfter(pos uint64, size int) bool {
	return (pos&k.mask)*k.stride+wordSize+uint64(size) > k.c.made.Cells*k.stride
}

// All returns an iterator over the messages, as [Receiver.All] does.
func (r *BytesReceiver) All(ctx context.Context) iter.Seq2[BytesSample, error] {
	return func(yield func(BytesSample, error) bool) {
		for {
			s, err := r.Receive(ctx)
			more := yield(s, err)
			if err != nil {
				return
			}
			if s.from == r.k.released {
				err = s.Release()
			}
			if more && err != nil {
				yield(BytesSample{}, err)
			}
			if !more || err != nil {
				return
			}
		}
	}
}

// Skipped returns how many messages this receiver has missed, as [Receiver.Skipped] does.
func (r *BytesReceiver) Skipped() uint64 {
	if r.isZero() {
		return 0
	}
	return r.k.skipped
}

func (r *BytesReceiver) isZero() bool { return r == nil || r.k.c == nil }

func (r *BytesReceiver) fail(op string, err error) error {
	if r.isZero() {
		return failSide(true, nil, op, err)
	}
	return failSide(false, r.k.c, op, err)
}

// Close gives up the right to receive, as [Receiver.Close] does.
func (r *BytesReceiver) Close() error {
	if r.isZero() {
		return r.fail(breezeway.OpClose, nil)
	}
	return r.fail(breezeway.OpClose, r.k.end())
}
