package ring

// Samples are values that were received together.
type Samples[T any] struct {
	k             *consumer
	from, pos, to uint64
}

// Len returns how many values there are.
func (b Samples[T]) Len() int { return int(b.to - b.pos) }

// Value returns value i, 0 to Len-1. It may be read until Release.
func (b Samples[T]) Value(i int) *T {
	if uint(i) >= uint(b.Len()) {
		return nil
	}
	return valueAt[T](&b.k.cells, b.pos+uint64(i))
}

// Redelivered returns how many of the values, from the first on, are ones that
// [Sample.Redelivered] is true for.
func (b Samples[T]) Redelivered() int {
	if b.k == nil || b.k.redelivery <= b.pos {
		return 0
	}
	return int(min(b.k.redelivery, b.to) - b.pos)
}

// Release gives the values back, all of them. It fails as [Sample.Release] does.
func (b Samples[T]) Release() error { return b.k.release(b.from, b.to) }
