package wait

import "sync"

// threadPool holds what the waiters of this process park on. An own thread is for
// one waiter at a time: a parker that the waiter's goroutine calls itself, which
// blocks its thread. A shared thread parks for many waiters.
var threadPool struct {
	mu       sync.Mutex
	freeOwn  []parker // own threads that no waiter has
	ownInUse int
	shared   []*sharedThread
}

// takeOwnThread returns nil if maxOwnThreads are in use.
func takeOwnThread() (parker, error) {
	t := &threadPool
	limit := maxOwnThreads()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ownInUse >= limit {
		return nil, nil
	}
	if n := len(t.freeOwn); n > 0 {
		p := t.freeOwn[n-1]
		t.freeOwn = t.freeOwn[:n-1]
		t.ownInUse++
		return p, nil
	}
	p, err := newOwnParker()
	if err == nil {
		t.ownInUse++
	}
	return p, err
}

func releaseOwnThread(p parker) {
	t := &threadPool
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ownInUse--
	t.freeOwn = append(t.freeOwn, p)
}
