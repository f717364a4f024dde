package ring

// Batch is room for several values, which are sent together.
type Batch[T any] struct {
	p   *producer
	pos uint64
	n   int
}

// Len returns how many values there is room for.
func (b Batch[T]) Len() int { return b.n }

// Value returns the room for value i, 0 to Len-1. It may be used until Send.
func (b Batch[T]) Value(i int) *T {
	if uint(i) >= uint(b.n) {
		return nil
	}
	return valueAt[T](&b.p.cells, b.pos+uint64(i))
}

// Send sends the values, in their order: all of them, or none if it fails as [Loan.Send]
// does.
func (b Batch[T]) Send() error { return b.p.sendBatch(b.pos, uint64(b.n)) }
