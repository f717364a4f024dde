package ring

// Loan is room for a value in shared memory, which the value is written to in place. It
// has what an earlier value has left there, so set every field.
type Loan[T any] struct {
	p   *producer
	v   *T
	pos uint64
}

// Value returns the room. It may be used until Send.
func (l Loan[T]) Value() *T { return l.v }

// Send sends the value. It never waits, except that it makes a system call if receivers
// are parked. It fails with [os.ErrInvalid] if the loan was sent before, or given up, and
// with [os.ErrClosed] after Close.
func (l Loan[T]) Send() error { return l.p.send(l.pos, 0) }
