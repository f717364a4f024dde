package main

import "iter"

// work is what each of the two processes does.
type work struct {
	Count uint64 // increments
	Batch uint64 // how many of them make one partial result
}

// sizes yields how many increments make each partial result.
func (w work) sizes() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for left := w.Count; left > 0; left -= min(w.Batch, left) {
			if !yield(min(w.Batch, left)) {
				return
			}
		}
	}
}

// parts yields the partial results, one after the other.
func (w work) parts() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for n := range w.sizes() {
			if !yield(increment(n)) {
				return
			}
		}
	}
}

// number returns how many partial results there are.
func (w work) number() uint64 {
	if w.Count == 0 {
		return 0
	}
	return 1 + (w.Count-1)/w.Batch
}

// increment adds 1 n times. It makes every addition: the compiler takes the loops as they
// are, and no other function is compiled with a constant n.
//
// A loop around a single addition is as quick as a processor takes branches, which halves
// while another guest of the machine runs on the same core. Four variables are added to at
// the same time; they begin apart, or the compiler would make them one.
//
//go:noinline
func increment(n uint64) uint64 {
	a, b, c, d := uint64(0), uint64(1), uint64(2), uint64(3)
	for range n / 4 {
		a++
		b++
		c++
		d++
	}
	for range n % 4 {
		a++
	}
	return a + b + c + d - (0 + 1 + 2 + 3)
}
