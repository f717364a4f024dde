package cli

import (
	"context"
	"slices"
	"sync"
	"time"
)

// visitor is a connection that is served.
type visitor struct {
	streamConn
	sender
	left chan struct{} // closed when all that it sent is printed
	done bool          // it is read no more; guarded by visitors.mu
}

// visitors are the connections that are served, in the order in which they were
// accepted.
type visitors struct {
	mu        sync.Mutex
	present   []*visitor
	closeDoor context.CancelFunc // accepts no more
	lastCall  *time.Timer        // not nil once no more are accepted
}

// onLastCall says how accepting is ended.
func (all *visitors) onLastCall(closeDoor context.CancelFunc) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.closeDoor = closeDoor
}

func (all *visitors) enter(c streamConn, from sender) *visitor {
	all.mu.Lock()
	defer all.mu.Unlock()
	v := &visitor{streamConn: c, sender: from, left: make(chan struct{})}
	all.present = append(all.present, v)
	return v
}

// leave closes the visitor's connection.
func (all *visitors) leave(v *visitor) {
	v.Close()
	all.mu.Lock()
	defer all.mu.Unlock()
	all.present = slices.DeleteFunc(all.present, func(other *visitor) bool { return other == v })
	close(v.left)
	if len(all.present) == 0 && all.lastCall != nil {
		all.lastCall.Stop()
	}
}

// awaitTurn waits until all is printed that was sent by visitors that came before v
// and have closed. Nothing but standard output can keep them.
func (all *visitors) awaitTurn(ctx context.Context, v *visitor) {
	for _, earlier := range all.before(v) {
		if !earlier.PeerClosed() {
			continue
		}
		select {
		case <-earlier.left:
		case <-ctx.Done():
			return
		}
	}
}

func (all *visitors) before(v *visitor) []*visitor {
	all.mu.Lock()
	defer all.mu.Unlock()
	return slices.Clone(all.present[:slices.Index(all.present, v)])
}

// callLast accepts no more, and calls sendAway after the grace for each visitor that
// has not closed by then, whose reads and writes then end.
func (all *visitors) callLast(grace time.Duration, sendAway func(*visitor)) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.lastCall != nil {
		return
	}
	all.closeDoor()
	all.lastCall = time.AfterFunc(grace, func() {
		for _, v := range all.remaining() {
			sendAway(v)
			v.SetDeadline(time.Now())
		}
	})
}

// remaining returns the visitors that are read and have not closed. They are read no
// more.
func (all *visitors) remaining() (open []*visitor) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, v := range all.present {
		if !v.done && !v.PeerClosed() {
			v.done = true
			open = append(open, v)
		}
	}
	return open
}

// finish says that v is read no more.
func (all *visitors) finish(v *visitor) {
	all.mu.Lock()
	defer all.mu.Unlock()
	v.done = true
}

func (all *visitors) isDone(v *visitor) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	return v.done
}
