package rpc

import (
	"context"
	"net"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// idleTime is how long a link is read by none after a call, at least, and twice of it at
// most. Then a goroutine reads until a call has been answered.
const idleTime = time.Millisecond

// readTurn is which goroutine reads a link: one at a time.
//
// A call that waits alone reads for itself, so that its answer wakes one goroutine, not two:
// the system wakes it, and it wakes no other. What it reads for others it gives to them.
// When it has its answer, and other calls wait, a worker reads on. If none waits, no
// goroutine reads: the next call will, or after idleTime a worker, for which there may be
// notifications, calls of the other side, and the end of the connection. A worker that reads
// gives up when it has read an answer and no call waits any more: it is not woken for the
// calls that follow.
//
// At a server, and where a read that was interrupted can't be continued, a worker always reads.
//
// link.mu is held to change the fields.
type readTurn struct {
	byCalls  bool // calls may read
	taken    bool
	leader   *outgoing // the call that reads, nil if it is a worker; what reads needs no lock to look
	answered bool      // the worker that reads has read an answer; its own
	waiting  int       // calls that rely on what reads

	idle  *time.Timer
	armed bool
	given uint64 // how often none has read
	seen  uint64 // given when the timer ran last
}

func (t *readTurn) init(l *link) {
	t.taken = true // by link.run
	if t.byCalls = !l.serving && canResume(l.conn); t.byCalls {
		t.idle = time.AfterFunc(time.Hour, l.readIdle)
		t.idle.Stop()
	}
}

// canResume reports whether a read that a deadline ended can be repeated, nothing being lost.
// TLS can't while it shakes hands; of other types of connections that is not known.
func canResume(c net.Conn) bool {
	if tlsOf(c) != nil {
		return false
	}
	switch c.(type) {
	case *net.UnixConn, *net.TCPConn, interface{ Peer() breezeway.Peer }:
		return true
	}
	return false
}

// lead reports whether the goroutine of a call has to read. Otherwise its answer will come.
func (l *link) lead(o *outgoing) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &l.turn
	switch {
	case l.outgoing[o.id] != o: // it has been answered
		return false
	case t.taken || !t.byCalls:
		l.waitLocked(o)
		return false
	}
	t.taken, t.leader = true, o
	return true
}

// rely has another goroutine read until o is answered.
func (l *link) rely(o *outgoing) {
	l.mu.Lock()
	start := l.outgoing[o.id] == o && !l.turn.taken
	if l.outgoing[o.id] == o {
		l.waitLocked(o)
	}
	if start {
		l.turn.taken = true
	}
	l.mu.Unlock()
	if start {
		l.work(l.read)
	}
}

func (l *link) waitLocked(o *outgoing) {
	o.waits = true
	l.turn.waiting++
}

// removeLocked ends that a call is under way, and reports whether it was.
func (l *link) removeLocked(o *outgoing) bool {
	if l.outgoing[o.id] != o {
		return false
	}
	delete(l.outgoing, o.id)
	if o.waits {
		l.turn.waiting--
	}
	return true
}

// readAnswer reads until there is the answer of o, which leads, or ctx ends.
func (l *link) readAnswer(ctx context.Context, o *outgoing) {
	stop := l.interruptedBy(ctx)
	over := l.readOn(ctx)
	stop()
	l.giveTurn(over)
}

// interruptedBy has the end of ctx interrupt what is read. stop ends that.
func (l *link) interruptedBy(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		l.conn.SetReadDeadline(longAgo)
	})
	return func() {
		if !cancel() {
			<-done
			l.in.resume()
		}
	}
}

// giveTurn ends that a call reads. over says that the link has ended.
func (l *link) giveTurn(over bool) {
	l.mu.Lock()
	l.turn.leader, l.turn.answered = nil, false
	over = over || l.outgoing == nil
	free := l.turn.waiting == 0 && !l.in.hasMore()
	if free && !over {
		l.freeLocked()
	}
	l.mu.Unlock()
	switch {
	case over:
		close(l.reader.ended)
	case !free:
		l.work(l.read)
	}
}

// enough reports whether what reads has to read no more, for now: a call that has its
// answer, or a worker that has read one, and no call waits for another.
func (l *link) enough() bool {
	t := &l.turn
	switch {
	case t.leader != nil:
		return len(t.leader.answer) > 0
	case !t.answered:
		return false
	}
	t.answered = false
	l.mu.Lock()
	defer l.mu.Unlock()
	if !t.byCalls || l.outgoing == nil || t.waiting > 0 || l.in.hasMore() {
		return false
	}
	l.freeLocked()
	return true
}

// freeLocked lets none read for a while.
func (l *link) freeLocked() {
	t := &l.turn
	t.taken = false
	t.given++
	if !t.armed {
		t.armed = true
		t.idle.Reset(idleTime)
	}
}

// readIdle lets a worker read if there has been no call since it was called last.
func (l *link) readIdle() {
	l.mu.Lock()
	t := &l.turn
	read := !t.taken && t.given == t.seen
	switch {
	case read:
		t.taken = true
	case !t.taken:
		t.seen = t.given
		t.idle.Reset(idleTime)
	}
	t.armed = !t.taken
	l.mu.Unlock()
	if read {
		l.work(l.read)
	}
}
