package mmap

import "sync/atomic"

// gate lets Close wait for the calls that are inside.
type gate struct {
	inside atomic.Int64 // how many, plus shut once the gate is closed
	empty  chan struct{}
}

const shut = 1 << 62

func makeGate() gate { return gate{empty: make(chan struct{}, 1)} }

// enter reports whether the call may go in, and must leave: false once the gate is
// closed.
func (g *gate) enter() bool {
	if g.inside.Add(1) < shut {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.inside.Add(-1) == shut {
		select {
		case g.empty <- struct{}{}:
		default: // sent already and not received yet
		}
	}
}

// close makes enter report false from now on, and waits until no call is inside. It
// is called once.
func (g *gate) close() {
	for n := g.inside.Add(shut); n != shut; n = g.inside.Load() {
		<-g.empty
	}
}
