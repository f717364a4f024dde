package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/breezeway-ipc/breezeway"
)

// defaultWindow is how many items of a stream are on their way at most. The receiver asks
// for more when it has consumed half of them.
const defaultWindow = 64

// maxWindow bounds what the other side may ask for.
const maxWindow = 1 << 20

// sending is a stream that this end sends.
type sending struct {
	credit int
	more   chan struct{} // holds a token if credit was granted
}

// streamParams are the arguments of streamMethod.
type streamParams struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
	Window int             `json:"window"`
}

// serveStream sends the items that a method yields as notifications, and returns at their
// end. A method that is no stream yields its result.
func (l *link) serveStream(ctx context.Context, id string, params json.RawMessage) error {
	var p streamParams
	if err := json.Unmarshal(params, &p); err != nil {
		return Errorf(CodeInvalidParams, "%s: %s", streamMethod, err)
	}
	if p.Window < 1 || p.Window > maxWindow {
		return Errorf(CodeInvalidParams, "%s takes a window of 1 to %d items, not %d", streamMethod, maxWindow, p.Window)
	}
	s := &sending{credit: p.Window, more: make(chan struct{}, 1)}
	l.mu.Lock()
	l.streams[idKey(id)] = s
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.streams, idKey(id))
	}()
	send := func(ctx context.Context, item any) error { return l.sendItem(ctx, s, id, item) }
	_, err := l.invoke(ctx, p.Method, p.Params, false, func(ctx context.Context, m *registered, params json.RawMessage) (any, error) {
		result, err := m.call(ctx, params)
		switch {
		case err != nil:
			return nil, err
		case m.stream == noStream:
			return nil, send(ctx, result)
		}
		return nil, m.each(result, func(item any) error { return send(ctx, item) })
	})
	return err
}

// sendItem sends an item when the receiver has room for it.
func (l *link) sendItem(ctx context.Context, s *sending, id string, item any) error {
	text, err := json.Marshal(item)
	if err != nil {
		return Errorf(CodeInternal, "an item can't be sent: %s", err)
	}
	if limit := l.cfg.MaxMessage - 128 - len(id); len(text) > limit {
		return Errorf(CodeTooLarge, "an item has %d bytes, and the limit is %d", len(text), limit)
	}
	for !l.takeCredit(s) {
		select {
		case <-s.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return l.out.addWithRoom(ctx, fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"%s","params":[%s,%s]}`, itemMethod, id, text))
}

func (l *link) takeCredit(s *sending) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.credit == 0 {
		return false
	}
	s.credit--
	return true
}

// granted takes a notification that the other side has room for more items.
func (l *link) granted(params json.RawMessage) {
	var p []json.RawMessage
	if json.Unmarshal(params, &p) != nil || len(p) != 2 {
		return
	}
	n, err := strconv.Atoi(string(p[1]))
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[idKey(string(p[0]))]
	if err != nil || s == nil || n < 1 || n > maxWindow-s.credit {
		return
	}
	s.credit += n
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// received takes an item of a stream. One that no call waits for was cancelled.
func (l *link) received(message []byte) error {
	var m struct{ Params []json.RawMessage }
	if err := json.Unmarshal(message, &m); err != nil || len(m.Params) != 2 {
		return malformed("%s takes the id of the call and an item", itemMethod)
	}
	id, err := strconv.ParseUint(string(m.Params[0]), 10, 64)
	if err != nil {
		return nil
	}
	l.mu.Lock()
	o := l.outgoing[id]
	l.mu.Unlock()
	if o == nil {
		return nil
	}
	select {
	case o.items <- m.Params[1]:
		return nil
	default:
		return fmt.Errorf("more items came than were asked for (%w)", breezeway.ErrTooLarge)
	}
}

// stream calls a method and passes its items on until yield returns false.
func (l *link) stream(ctx context.Context, method string, params []byte, yield func(json.RawMessage) bool) error {
	wrapped, err := json.Marshal(streamParams{method, params, defaultWindow})
	if err != nil {
		return err
	}
	o, err := l.start(ctx, streamMethod, wrapped, defaultWindow)
	if err != nil {
		return err
	}
	defer l.giveUp(o) // nothing, if the stream has ended
	l.rely(o)
	for used := 0; ; {
		select {
		case item := <-o.items:
			if !yield(item) {
				return nil
			}
			if used++; used == defaultWindow/2 {
				l.signal(moreMethod, fmt.Appendf(nil, "[%d,%d]", o.id, used))
				used = 0
			}
		case a := <-o.answer:
			for len(o.items) > 0 {
				if !yield(<-o.items) {
					return nil
				}
			}
			return a.err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
