package ipcsync

import "sync"

// tickets numbers the read locks that a process has, so that none is given up twice:
// the shared memory only counts them.
type tickets struct {
	mu   sync.Mutex
	uses []uint32 // of each number; odd while it is in use
	free []uint32 // numbers
}

// take returns a ticket:
//
//	bits  0..31  a number
//	bit  32      0; robust.Recovered is added there
//	bits 33..63  how often the number was used, modulo 2^31
func (t *tickets) take() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.free) == 0 {
		t.free = append(t.free, uint32(len(t.uses)))
		t.uses = append(t.uses, 0)
	}
	last := len(t.free) - 1
	n := t.free[last]
	t.free = t.free[:last]
	t.uses[n]++
	return uint64(t.uses[n])<<33 | uint64(n)
}

// give takes a ticket back, or reports false if that was done before.
func (t *tickets) give(ticket uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := uint32(ticket)
	if t.uses[n]%2 == 0 || uint64(t.uses[n])<<33 != ticket&^(1<<33-1) {
		return false
	}
	t.uses[n]++
	t.free = append(t.free, n)
	return true
}
