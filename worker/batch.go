package worker

// batch is inputs that are sent together, and their results.
type batch[In, Out any] struct {
	room []In // of the goroutine that reads the inputs
	ins  []In // the part of room that is filled, once that is known

	arena *arena // that room and outs lie in, or nil
	index int    // where

	outs []Out
	errs []error // of the same length, or empty if there are none
	over bool    // no later call can succeed: the last error is the last result
	done chan struct{}
}

// reset makes b empty again, without keeping what the values lead to, unless they are
// plain.
func (b *batch[In, Out]) reset(plainIn, plainOut bool) {
	if !plainIn {
		clear(b.ins)
	}
	if !plainOut {
		clear(b.outs)
	}
	clear(b.errs)
	b.ins, b.outs, b.errs, b.over = nil, b.outs[:0], b.errs[:0], false
}

// set notes the result of input i, in order.
func (b *batch[In, Out]) set(i int, out Out, err error) {
	b.outs = append(b.outs[:i], out)
	if err == nil && len(b.errs) == 0 {
		return
	}
	for len(b.errs) < i {
		b.errs = append(b.errs, nil)
	}
	b.errs = append(b.errs[:i], err)
}

// yield yields the results and reports whether to go on.
func (b *batch[In, Out]) yield(yield func(Out, error) bool) bool {
	if len(b.errs) == 0 {
		for _, out := range b.outs {
			if !yield(out, nil) {
				return false
			}
		}
		return true
	}
	for i, out := range b.outs {
		var err error
		if i < len(b.errs) {
			err = b.errs[i]
		}
		if !yield(out, err) {
			return false
		}
	}
	return !b.over
}
