package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"github.com/breezeway-ipc/breezeway"
)

// outgoing is a call of this end that is under way.
type outgoing struct {
	id     uint64
	answer chan answer          // holds at most one
	items  chan json.RawMessage // of a stream
	waits  bool                 // it relies on what reads; link.mu is held
}

type answer struct {
	result json.RawMessage
	err    error
}

// call calls a method of the other side. params is JSON, nil if there is none.
func (l *link) call(ctx context.Context, method string, params []byte) (json.RawMessage, error) {
	o, err := l.start(ctx, method, params, 0)
	if err != nil {
		return nil, err
	}
	if l.lead(o) {
		l.readAnswer(ctx, o)
	}
	select {
	case a := <-o.answer:
		return a.result, a.err
	case <-ctx.Done():
		l.giveUp(o)
		return nil, context.Cause(ctx)
	}
}

// start sends a request. A window means that items may come, so many at a time.
func (l *link) start(ctx context.Context, method string, params []byte, window int) (*outgoing, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := l.out.admit(ctx); err != nil {
		return nil, l.unsent(ctx, err)
	}
	o := &outgoing{answer: make(chan answer, 1)}
	if window > 0 {
		o.items = make(chan json.RawMessage, window)
	}
	l.mu.Lock()
	if l.outgoing == nil {
		l.mu.Unlock()
		return nil, &unsentError{l.lost()}
	}
	l.lastID++
	o.id = l.lastID
	l.outgoing[o.id] = o
	l.movedLocked() // ready reads on: the answer comes that way
	l.mu.Unlock()
	message, err := l.encodeRequest(o.id, method, params)
	if err != nil {
		l.forget(o)
		return nil, err
	}
	if err := l.out.add(message); err != nil {
		l.forget(o)
		return nil, l.unsent(ctx, err)
	}
	return o, nil
}

// unsentError is that of a call for which nothing was sent, as the connection had ended.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// unsent says why a message was not sent: err is from the outbox.
func (l *link) unsent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return &unsentError{l.lost()}
}

// notify sends a notification.
func (l *link) notify(ctx context.Context, method string, params []byte) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	message, err := l.encodeRequest(0, method, params)
	if err != nil {
		return err
	}
	if err = l.out.admit(ctx); err == nil {
		err = l.out.addNote(ctx, message)
	}
	if err != nil {
		return l.unsent(ctx, err)
	}
	return nil
}

// signal sends a notification of the protocol itself, which needn't arrive.
func (l *link) signal(method string, params []byte) {
	if message, err := l.encodeRequest(0, method, params); err == nil {
		l.out.add(message)
	}
}

// encodeRequest returns a request, or with id 0 a notification.
func (l *link) encodeRequest(id uint64, method string, params []byte) ([]byte, error) {
	b := make([]byte, 0, 64+len(method)+len(params))
	b = append(b, `{"jsonrpc":"2.0",`...)
	if id != 0 {
		b = append(b, `"id":`...)
		b = strconv.AppendUint(b, id, 10)
		b = append(b, ',')
	}
	b = append(b, `"method":`...)
	b, err := appendString(b, method)
	if err != nil {
		return nil, err
	}
	if params != nil {
		b = append(b, `,"params":`...)
		b = append(b, params...)
	}
	b = append(b, '}')
	if len(b) > l.cfg.MaxMessage {
		return nil, fmt.Errorf("the arguments make a message of %d bytes, and the limit is %d (%w)", len(b), l.cfg.MaxMessage, breezeway.ErrTooLarge)
	}
	return b, nil
}

// giveUp asks the other side to cancel a call whose answer is not waited for any more.
func (l *link) giveUp(o *outgoing) {
	if l.forget(o) {
		l.signal(cancelMethod, fmt.Appendf(nil, `{"id":%d}`, o.id))
	}
}

// forget reports whether the call was still under way.
func (l *link) forget(o *outgoing) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.removeLocked(o)
}

// answered takes an answer. One that nothing waits for was cancelled.
func (l *link) answered(message []byte) error {
	var m answerMessage
	if err := m.decode(message); err != nil {
		return malformed("invalid JSON: %s", err)
	}
	if string(m.ID) == "null" && m.Error != nil {
		l.refusal.Store(m.Error)
		return nil
	}
	if m.Error == nil || m.Error.Code != CodeUnauthorized {
		l.refusal.Store(nil)
	} else {
		l.refusal.Store(m.Error) // the connection ends, and with it other calls
	}
	id, err := strconv.ParseUint(string(m.ID), 10, 64)
	if err != nil {
		return nil // it can't be one of ours
	}
	l.mu.Lock()
	o := l.outgoing[id]
	if o != nil {
		l.removeLocked(o)
	}
	l.mu.Unlock()
	l.turn.answered = true
	switch {
	case o == nil:
		return nil
	case m.Error != nil:
		o.answer <- answer{err: l.explainToken(m.Error)}
	case m.Result == nil: // with "error":null alone nothing says that the call succeeded
		o.answer <- answer{err: errNoResult}
	default:
		o.answer <- answer{result: m.Result}
	}
	if o != l.turn.leader {
		// The caller first: a read that spins would keep the processor from it, and by the
		// time it has called again there is something to read.
		runtime.Gosched()
	}
	return nil
}

var errNoResult = fmt.Errorf("the answer has neither a result nor an error (%w)", breezeway.ErrMismatch)

// encode returns arguments as a JSON array, nil if there are none.
func encode(args []any) ([]byte, error) {
	if len(args) == 0 {
		return nil, nil
	}
	b, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("the arguments can't be sent: %w (%w)", err, os.ErrInvalid)
	}
	return b, nil
}
