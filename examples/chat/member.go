package main

import (
	"context"
	"errors"
	"os"
	"time"
)

// outboxSize is how many lines a member may be behind the others.
const outboxSize = 256

// closeGrace bounds how long the last lines wait for a member that doesn't read.
const closeGrace = time.Second

// member is a client that is in the room, as the server sees it. A goroutine reads what
// it says, another writes what the others say: so none waits for a slow one.
type member struct {
	*lines
	name    string
	timeout time.Duration

	ctx    context.Context // ends when it has to go; the cause says why
	cancel context.CancelCauseFunc
	outbox chan string
	done   chan struct{} // closed when the outbox is written
}

func newMember(ctx context.Context, l *lines, name string, timeout time.Duration) *member {
	m := &member{lines: l, name: name, timeout: timeout,
		outbox: make(chan string, outboxSize), done: make(chan struct{})}
	m.ctx, m.cancel = context.WithCancelCause(ctx)
	return m
}

// post sends a line without waiting. A member that is too far behind has to go.
func (m *member) post(line string) {
	select {
	case m.outbox <- line:
	default:
		m.cancel(reasonSlow)
	}
}

// postLast sends a line also if the outbox is full: then older ones give way.
func (m *member) postLast(line string) {
	for {
		select {
		case m.outbox <- line:
			return
		default:
		}
		select {
		case <-m.outbox:
		default: // the other goroutine was quicker
		}
	}
}

// write sends what is posted until the outbox is closed.
func (m *member) write() {
	defer close(m.done)
	for line := range m.outbox {
		m.SetWriteDeadline(time.Now().Add(m.timeout))
		if m.ctx.Err() != nil { // asked after the deadline is set, or that could undo hurry's
			m.SetWriteDeadline(time.Now().Add(closeGrace))
		}
		if _, err := m.Write([]byte(line + "\n")); errors.Is(err, os.ErrDeadlineExceeded) {
			m.cancel(reasonSlow)
			break
		} else if err != nil {
			m.cancel(reasonLost)
			break
		}
	}
	for range m.outbox {
	}
}

// hurry ends a Read that waits, and soon a Write.
func (m *member) hurry() {
	m.SetReadDeadline(time.Unix(1, 0))
	m.SetWriteDeadline(time.Now().Add(closeGrace))
}

// listen passes on what the member says until it goes, and returns why it does.
func (m *member) listen(r *room) reason {
	defer context.AfterFunc(m.ctx, m.hurry)()
	var speech pace
	for {
		m.SetReadDeadline(time.Now().Add(m.timeout))
		if m.ctx.Err() != nil { // asked after the deadline is set, as in write
			return m.cause()
		}
		word, rest, err := m.receive()
		switch {
		case m.ctx.Err() != nil:
			return m.cause()
		case err != nil:
			return reasonOf(err)
		case word == lineSay:
			r.say(m, printable(rest))
			speech.wait(m.ctx)
		case word == lineAlive:
			m.post(lineAlive)
		case word == lineLeave:
			return reasonLeft
		default:
			return reasonGarbled
		}
	}
}

// cause returns why ctx has ended.
func (m *member) cause() reason {
	why, _ := context.Cause(m.ctx).(reason)
	return why
}

// dismiss sends the last line and closes the connection. The room no longer knows m.
func (m *member) dismiss(why reason) {
	m.cancel(why)
	m.hurry()
	m.postLast(lineBye + " " + string(why))
	close(m.outbox)
	<-m.done
	m.Close()
}
