//go:build race

package ipcsync

import "sync/atomic"

// order tells the race detector, which doesn't see shared memory, what a lock
// orders between goroutines of one process. It changes nothing else.
type order struct{ last atomic.Uint32 }

func (o *order) released() { o.last.Add(1) } // after every other release
func (o *order) acquired() { o.last.Load() }
