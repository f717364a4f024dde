package rpc

import (
	"context"
	"time"
)

// incomingCall is a call of the other side that is executed.
type incomingCall struct {
	*incomingMessage
	link   *link
	id     string // as it came
	key    string // of link.incoming
	batch  *batchAnswer
	method *registered // nil if there is none
	ctx    context.Context
	cancel context.CancelFunc
	here   bool // on the goroutine that reads, which can't wait
}

// run executes the call and answers it, whatever the method does.
func (c *incomingCall) run() {
	var text []byte
	defer func() {
		if text == nil { // the method called runtime.Goexit, which nothing returns from
			text = c.link.encodeAnswer(c.id, nil, Errorf(CodeInternal, "%s ended its goroutine", c.Method))
		}
		c.cancel()
		c.answer(text)
	}()
	start := time.Now()
	result, err := c.link.execute(c.ctx, c.incomingMessage)
	text = c.link.encodeAnswer(c.id, result, err)
	if c.method != nil {
		c.method.took(time.Since(start))
	}
}

// answer sends the answer when there is room. Until then the call counts as one that is
// under way.
func (c *incomingCall) answer(text []byte) {
	l := c.link
	if c.here {
		l.over(c.key)
		if l.out.addIfRoom(text) {
			l.finished(1)
			return
		}
		c.here = false
		l.work(func() { c.answer(text) })
		return
	}
	l.out.admit(l.ctx)
	l.over(c.key)
	if c.batch != nil {
		c.batch.add(c.id, text)
	} else {
		l.out.add(text)
	}
	l.finished(1)
}
