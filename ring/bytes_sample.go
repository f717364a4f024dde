package ring

// BytesSample is a message that was received, in shared memory, where it is read in place.
type BytesSample struct {
	// Four words: the compiler keeps no larger struct in registers, and to copy one takes
	// longer than to receive the message.
	k        *consumer
	from, to uint64
	size     int
}

// Bytes returns the message. It may be read until Release. Nothing keeps the sender's
// process from changing it meanwhile, if it is hostile: copy what you check.
func (s BytesSample) Bytes() []byte {
	if s.k == nil {
		return nil
	}
	return s.k.message(s.to-cellsOf(s.size), s.size)
}

// Redelivered reports whether a receiver before has received the message, as
// [Sample.Redelivered] does.
func (s BytesSample) Redelivered() bool { return s.k != nil && s.to <= s.k.redelivery }

// Release gives the message back, as [Sample.Release] does.
func (s BytesSample) Release() error { return s.k.release(s.from, s.to) }
