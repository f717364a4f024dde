package acceptor

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// Handshakes turns raw connections into connections whose other side has shown what it
// is, many at a time, so that a client that is slow or silent keeps no other waiting.
//
// At most mostHandshakes go on at a time. One more ends the one that has gone on for
// longest, so that silent clients can't keep others out.
type Handshakes[R, C io.Closer] struct {
	accept func() (R, error)
	shake  func(ctx context.Context, raw R) (C, error)
	refuse func(raw R, err error)
	bound  time.Duration

	ready  chan C
	room   chan struct{} // holds one element per connection that Next has not returned
	stop   context.Context
	cancel context.CancelFunc

	mu        sync.Mutex
	accepting bool
	ended     chan struct{} // closed when accept has failed and all handshakes have ended
	failed    error         // of accept
	pending   []*handshake  // the oldest first
}

type handshake struct{ cancel context.CancelFunc }

// mostHandshakes bounds the memory that clients take which have not shown what they are.
const mostHandshakes = 512

// NewHandshakes returns the connections that shake makes of those that accept returns.
// shake ends with its context, and closes the raw connection when it fails, which refuse
// is then told of. bound is how long it may take. refuse may call Close, which doesn't wait
// for it.
func NewHandshakes[R, C io.Closer](accept func() (R, error), shake func(context.Context, R) (C, error), refuse func(R, error), bound time.Duration) *Handshakes[R, C] {
	h := &Handshakes[R, C]{
		accept: accept, shake: shake, refuse: refuse, bound: bound,
		ready: make(chan C),
		room:  make(chan struct{}, 2*mostHandshakes),
	}
	h.stop, h.cancel = context.WithCancel(context.Background())
	return h
}

// Start begins to accept, so that clients are answered before the first Next.
func (h *Handshakes[R, C]) Start() { h.begin() }

// Next waits for a connection whose handshake has succeeded. A shortage that passes is
// waited for. When accept has failed otherwise Next returns that error after the handshakes that had begun have ended, and the next call
// accepts again. One goroutine calls it at a time.
func (h *Handshakes[R, C]) Next() (none C, err error) {
	ended := h.begin()
	select {
	case c := <-h.ready:
		<-h.room
		return c, nil
	case <-ended:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepting = false
	return none, h.failed
}

func (h *Handshakes[R, C]) begin() (ended <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.accepting {
		h.accepting, h.ended = true, make(chan struct{})
		go h.acceptAll()
	}
	return h.ended
}

// acceptAll begins a handshake with each client until accept fails.
func (h *Handshakes[R, C]) acceptAll() {
	var running sync.WaitGroup
	for {
		h.room <- struct{}{} // Close frees what Next doesn't
		raw, err := h.accept()
		if isPassing(err) {
			<-h.room
			h.pause()
			continue
		}
		if err != nil {
			<-h.room
			running.Wait()
			h.mu.Lock()
			h.failed = err
			h.mu.Unlock()
			close(h.ended)
			return
		}
		running.Add(1)
		go h.handle(raw, running.Done)
	}
}

// isPassing reports whether err is a shortage, of descriptors for one, that ends when
// clients leave.
func isPassing(err error) bool {
	var passing interface{ Temporary() bool }
	return errors.As(err, &passing) && passing.Temporary()
}

// pause waits until accepting may succeed again.
func (h *Handshakes[R, C]) pause() {
	t := time.NewTimer(10 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-h.stop.Done():
	}
}

func (h *Handshakes[R, C]) handle(raw R, done func()) {
	ctx, cancel := context.WithTimeout(h.stop, h.bound)
	one := h.enter(cancel)
	c, err := h.shake(ctx, raw)
	h.leave(one)
	if err != nil {
		done()
		if h.stop.Err() == nil {
			h.refuse(raw, err)
		}
		<-h.room
		return
	}
	defer done()
	select {
	case h.ready <- c: // Next frees the room
	case <-h.stop.Done():
		c.Close()
		<-h.room
	}
}

func (h *Handshakes[R, C]) enter(cancel context.CancelFunc) *handshake {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.pending) == mostHandshakes {
		h.pending[0].cancel()
		h.pending = h.pending[1:]
	}
	one := &handshake{cancel}
	h.pending = append(h.pending, one)
	return one
}

func (h *Handshakes[R, C]) leave(one *handshake) {
	one.cancel()
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, p := range h.pending {
		if p == one {
			h.pending = append(h.pending[:i:i], h.pending[i+1:]...)
			return
		}
	}
}

// Close ends the handshakes that go on, and closes what they would have brought. It
// returns when accept has failed, which the caller sees to before.
func (h *Handshakes[R, C]) Close() {
	h.cancel()
	h.mu.Lock()
	accepting, ended := h.accepting, h.ended
	h.mu.Unlock()
	if accepting {
		<-ended
	}
}
