package shmnet

import (
	"sync"
	"time"
)

// watchEvery is how often the sockets of connections are looked at that are written to
// while none of their calls waits.
const watchEvery = 40 * time.Millisecond

// watch notices that the other process of a connection has died, though nothing waits
// for it: the ring takes what is written until it is full. It is one goroutine for all
// connections that were written to lately, and none if there are none.
var watch watcher

type watcher struct {
	mu      sync.Mutex
	conns   map[*Conn]struct{}
	running bool
}

// add watches c for as long as it is written to.
func (w *watcher) add(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
		w.conns = map[*Conn]struct{}{}
	}
	w.conns[c] = struct{}{}
	if !w.running {
		w.running = true
		go w.run()
	}
}

func (w *watcher) run() {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for w.look() {
		<-t.C
	}
}

// look reports whether there is anything to watch.
func (w *watcher) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		switch {
		case c.closed.Load() || c.gone.Load() || !c.active.Swap(false):
			// A Write that comes now finds active cleared, and adds c again.
			delete(w.conns, c)
		case c.door.PeerClosed():
			c.leftAlone()
		}
	}
	w.running = len(w.conns) > 0
	return w.running
}
