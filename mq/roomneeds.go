package mq

import (
	"math"
	"sync"
	"sync/atomic"
)

// roomNeeds is how many blocks the senders of this process wait for.
type roomNeeds struct {
	mu      sync.Mutex
	waiting map[int64]int // how many senders wait for so many blocks
	least   atomic.Int64  // of these; meaningless if there are none
}

func (r *roomNeeds) add(need int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		r.waiting = map[int64]int{}
	}
	r.waiting[need]++
	if len(r.waiting) == 1 || need < r.least.Load() {
		r.least.Store(need)
	}
}

func (r *roomNeeds) remove(need int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting[need]--; r.waiting[need] > 0 {
		return
	}
	delete(r.waiting, need)
	least := int64(math.MaxInt64)
	for need := range r.waiting {
		least = min(least, need)
	}
	r.least.Store(least)
}
