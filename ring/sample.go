package ring

// Sample is a value that was received, in shared memory, where it is read in place.
type Sample[T any] struct {
	k        *consumer
	v        *T
	from, to uint64
}

// Value returns the value. It may be read until Release. Nothing keeps the sender's
// process from changing it meanwhile, if it is hostile: copy what you check.
func (s Sample[T]) Value() *T { return s.v }

// Redelivered reports whether a receiver before has received the value, and has died, or
// closed the ring, before it released it.
func (s Sample[T]) Redelivered() bool { return s.k != nil && s.to <= s.k.redelivery }

// Release gives the value back, so that its room can be used again. It fails with
// [os.ErrInvalid] if it was released before, or is not the oldest one that this receiver
// has.
func (s Sample[T]) Release() error { return s.k.release(s.from, s.to) }
