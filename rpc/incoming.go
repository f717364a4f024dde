package rpc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
)

// Methods of the protocol itself. docs/formats.md describes them.
const (
	cancelMethod       = "$/cancelRequest"  // {"id": …}, as in the Language Server Protocol
	authenticateMethod = "rpc.authenticate" // [token]
	describeMethod     = "rpc.describe"     // []
	streamMethod       = "rpc.stream"       // {"method": …, "params": …, "window": n}
	itemMethod         = "rpc.item"         // [id, item], a notification
	moreMethod         = "rpc.more"         // [id, n], a notification
)

// incomingMessage is a request or a notification.
type incomingMessage struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"` // nil or null for a notification
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

func (m *incomingMessage) isNotification() bool { return len(m.ID) == 0 || string(m.ID) == "null" }

// check returns what is wrong with a message that is JSON.
func (m *incomingMessage) check() error {
	switch {
	case m.Version != "2.0":
		return Errorf(CodeInvalidRequest, `"jsonrpc" is not "2.0"`)
	case m.Method == "":
		return Errorf(CodeInvalidRequest, "a request has no method")
	case len(m.Params) > 0 && m.Params[0] != '[' && m.Params[0] != '{' && string(m.Params) != "null":
		return Errorf(CodeInvalidRequest, "params are neither an array nor an object")
	}
	return nil
}

// executeMessage takes a request: alone, or of a batch. It waits for nothing
// but a call that is known to be quick.
func (l *link) executeMessage(message []byte, b *batchAnswer) error {
	var m incomingMessage
	err := m.decode(message)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return malformed("invalid JSON: %s", err)
	}
	if err != nil {
		err = Errorf(CodeInvalidRequest, "invalid request: %s", err)
	} else {
		err = m.check()
	}
	if string(m.Params) == "null" {
		m.Params = nil
	}
	if len(m.ID) > 0 && m.ID[0] != '"' && m.ID[0] != '-' && (m.ID[0] < '0' || m.ID[0] > '9') {
		if string(m.ID) != "null" {
			err = Errorf(CodeInvalidRequest, "an id is a string or a number")
		}
		m.ID = nil
	}
	if len(m.ID) > maxID {
		err = Errorf(CodeInvalidRequest, "an id has %d bytes, more than %d", len(m.ID), maxID)
		m.ID = nil
	}
	switch {
	case err != nil:
		l.count()
		l.respond(string(m.ID), nil, err, b)
	case m.isNotification():
		l.note(&m)
		b.add("", nil)
	default:
		return l.beginCall(&m, b)
	}
	return nil
}

// beginCall begins to execute a call. It fails with errTakenOver if another goroutine reads
// the link now.
func (l *link) beginCall(m *incomingMessage, b *batchAnswer) error {
	c := &incomingCall{link: l, incomingMessage: m, id: string(m.ID), key: idKey(string(m.ID)), batch: b}
	c.ctx, c.cancel = context.WithCancel(l.ctx)
	if err := l.begin(c.key, c.cancel); err != nil {
		c.cancel()
		l.respond(c.id, nil, err, b)
		return nil
	}
	if m.Method == authenticateMethod || !l.authorized.Load() {
		// One after the other: of many guesses the first wrong one is the last.
		result, err := l.execute(c.ctx, m)
		l.over(c.key)
		c.cancel()
		l.respond(c.id, result, err, b)
		return nil
	}
	c.method = l.objects.find(m.Method)
	if b == nil && c.method != nil && c.method.isQuick() && l.turn.leader == nil {
		return l.executeHere(c)
	}
	l.work(c.run)
	return nil
}

// begin registers a call that will be answered, or refuses it.
func (l *link) begin(key string, cancel context.CancelFunc) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running++
	switch {
	case l.refused != nil:
		return l.refused
	case l.draining || l.mute:
		return Errorf(CodeShuttingDown, "the server is shutting down; the call was not executed")
	case len(l.incoming) >= l.cfg.MaxCalls:
		return Errorf(CodeBusy, "the connection has %d calls under way; wait for one to end", l.cfg.MaxCalls)
	case l.incoming[key] != nil:
		return Errorf(CodeInvalidRequest, "a call with this id is under way")
	}
	l.incoming[key] = cancel
	return nil
}

// over makes the id free, before the answer is sent.
func (l *link) over(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.incoming, key)
}

// count counts a request that is refused at once.
func (l *link) count() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running++
}

// respond answers a call that was not begun, without waiting for anything.
func (l *link) respond(id string, result any, err error, b *batchAnswer) {
	text := l.encodeAnswer(id, result, err)
	if b != nil {
		b.add(id, text)
	} else {
		l.refuse(text)
	}
	l.finished(1)
}

// refuse sends an answer that can't wait for room, and ends the link if too many do.
func (l *link) refuse(text []byte) {
	if l.out.addRefusal(text) == errFlood {
		l.cfg.Logger.Warn("rpc: connection dropped", "peer", l.peer.String(), "address", addressOf(l.conn), "error", errFlood)
		l.close(errFlood)
	}
}

// encodeAnswer returns the message for a result or an error.
func (l *link) encodeAnswer(id string, result any, err error) []byte {
	if id == "" {
		id = "null"
	}
	key, limit := "result", l.cfg.MaxMessage-128-len(id) // 128 for the rest of the message
	var text []byte
	if err == nil {
		if text, err = l.marshal(result); err != nil {
			err = Errorf(CodeInternal, "the result can't be sent: %s", err)
		} else if len(text) > limit {
			err = Errorf(CodeTooLarge, "the result has %d bytes, and the limit is %d", len(text), limit)
		}
	}
	if err != nil {
		key = "error"
		e := l.remote(err)
		if text, err = json.Marshal(e); err != nil || len(text) > limit {
			text = fmt.Appendf(nil, `{"code":%d,"message":"the error can't be sent"}`, e.Code)
		}
	}
	b := make([]byte, 0, len(text)+len(id)+40)
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	b = append(b, ',', '"')
	b = append(b, key...)
	b = append(b, '"', ':')
	b = append(b, text...)
	return append(b, '}')
}

// marshal encodes a result, which may have methods that panic.
func (l *link) marshal(result any) (text []byte, err error) {
	defer l.recovered("MarshalJSON", &err)
	return json.Marshal(result)
}

// remote returns what is sent for an error, which may have methods that panic, too.
func (l *link) remote(err error) (e *Error) {
	var failure error
	defer func() {
		if failure != nil {
			e = Errorf(CodeInternal, "the error can't be sent: %s", failure)
		}
	}()
	defer l.recovered("Error", &failure)
	return remote(err)
}

// keptWorkers is how many goroutines of a connection wait for the next call.
const keptWorkers = 4

// work runs f on another goroutine: one that waits, whose stack has grown already, or a new
// one. The depth of decoding and reflection makes a new stack grow several times, which
// costs more than all the rest of a small call.
func (l *link) work(f func()) {
	select {
	case l.jobs <- f:
	default:
		l.workers.Go(func() { l.worker(f) })
	}
}

func (l *link) worker(f func()) {
	for {
		f()
		if l.idle.Add(1) > keptWorkers {
			l.idle.Add(-1)
			return
		}
		select {
		case f = <-l.jobs:
			l.idle.Add(-1)
		case <-l.ctx.Done():
			return
		}
	}
}

// execute executes a call.
func (l *link) execute(ctx context.Context, m *incomingMessage) (any, error) {
	switch name, params := m.Method, m.Params; {
	case name == authenticateMethod:
		return l.authenticate(params)
	case !l.authorized.Load():
		return nil, l.unauthorized(presentFirst)
	case name == cancelMethod:
		l.cancelIncoming(params)
		return nil, nil
	case name == describeMethod:
		return l.objects.describe(), nil
	case name == streamMethod:
		return nil, l.serveStream(ctx, string(m.ID), params)
	}
	return l.invoke(ctx, m.Method, m.Params, false, func(ctx context.Context, m *registered, params json.RawMessage) (any, error) {
		result, err := m.call(ctx, params)
		if err == nil && m.stream != noStream {
			return m.collect(result, l.cfg.MaxMessage)
		}
		return result, err
	})
}

// invoke runs a method inside the interceptors.
func (l *link) invoke(ctx context.Context, name string, params json.RawMessage, notification bool,
	run func(context.Context, *registered, json.RawMessage) (any, error)) (result any, err error) {
	defer l.recovered(name, &err)
	m := l.objects.find(name)
	if m == nil {
		return nil, l.objects.unknown(name)
	}
	in := &Incoming{Object: m.object, Method: m.name, Params: params, Notification: notification, Peer: l.peer, link: l}
	next := func(ctx context.Context) (any, error) {
		// Notifications that came before the other side closed are executed all the same:
		// it may have sent them and left.
		if err := ctx.Err(); err != nil && !(notification && l.cause() == io.EOF) {
			return nil, err
		}
		return run(ctx, m, in.Params)
	}
	for i := len(l.cfg.Intercept) - 1; i >= 0; i-- {
		inner, outer := next, l.cfg.Intercept[i]
		next = func(ctx context.Context) (any, error) { return outer(ctx, in, inner) }
	}
	return next(context.WithValue(ctx, incomingKey{}, in))
}

// recovered turns a panic into an error. What panicked stays here: it may say what is not
// for the other side.
func (l *link) recovered(name string, err *error) {
	if r := recover(); r != nil {
		l.cfg.Logger.Error("rpc: method panicked", "method", name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		*err = Errorf(CodeInternal, "%s panicked", name)
	}
}

// note takes a notification.
func (l *link) note(m *incomingMessage) {
	switch name, params := m.Method, m.Params; {
	case !l.authorized.Load():
		l.unauthorized(presentFirst)
	case name == cancelMethod:
		l.cancelIncoming(params)
	case name == moreMethod:
		l.granted(params)
	case strings.HasPrefix(name, "$/"), strings.HasPrefix(name, "rpc."):
		// The Language Server Protocol lets these be ignored.
	default:
		l.later(func() { l.executeNote(name, params) })
	}
}

func (l *link) executeNote(name string, params json.RawMessage) {
	_, err := l.invoke(l.ctx, name, params, true, func(ctx context.Context, m *registered, params json.RawMessage) (any, error) {
		result, err := m.call(ctx, params)
		if err == nil && m.stream != noStream {
			err = m.each(result, func(any) error { return ctx.Err() })
		}
		return nil, err
	})
	if err != nil {
		l.cfg.Logger.Warn("rpc: notification failed", "method", name, "error", err)
	}
}

// later executes notifications one after the other, in the order in which they came.
func (l *link) later(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining {
		return
	}
	l.running++
	l.notes = append(l.notes, f)
	if !l.noting {
		l.noting = true
		l.workers.Go(l.executeNotes)
	}
}

func (l *link) executeNotes() {
	ended := false
	defer func() {
		if !ended { // a method called runtime.Goexit
			l.workers.Go(l.executeNotes)
		}
	}()
	for f := l.nextNote(); f != nil; f = l.nextNote() {
		func() {
			defer l.finished(1)
			f()
		}()
	}
	ended = true
}

// nextNote takes a notification, nil if there is none and executeNotes has to end.
func (l *link) nextNote() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.notes) == 0 {
		l.notes, l.noting = nil, false
		return nil
	}
	f := l.notes[0]
	l.notes[0] = nil
	l.notes = l.notes[1:]
	l.movedLocked()
	return f
}

// cancelIncoming cancels a call of the other side.
func (l *link) cancelIncoming(params json.RawMessage) {
	var p struct{ ID json.RawMessage }
	if json.Unmarshal(params, &p) != nil {
		return
	}
	l.mu.Lock()
	cancel := l.incoming[idKey(string(p.ID))]
	l.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

var errNoToken = fmt.Errorf("no token (%w)", os.ErrPermission)

// authenticate compares the token.
func (l *link) authenticate(params json.RawMessage) (any, error) {
	var tokens []string
	if err := json.Unmarshal(params, &tokens); err != nil || len(tokens) != 1 {
		return nil, l.unauthorized(authenticateMethod + " takes one string, the token")
	}
	want, got := sha256.Sum256([]byte(l.cfg.Token)), sha256.Sum256([]byte(tokens[0]))
	switch {
	case l.cfg.Token == "" && l.authorized.Load():
	case l.cfg.Token == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1:
		return nil, l.unauthorized("the token is wrong")
	}
	l.authorized.Store(true)
	return true, nil
}

// unauthorized returns the error for a connection that may not call, and ends it when that
// is sent.
func (l *link) unauthorized(why string) error {
	if l.cfg.Token == "" {
		why = untrusted
	}
	refused := Errorf(CodeUnauthorized, "%s", why)
	if l.drain(refused) {
		l.cfg.Logger.Warn("rpc: connection refused", "peer", l.peer.String(), "address", addressOf(l.conn), "error", why)
	}
	return refused
}

// presentFirst is what a client gets that has presented no token.
const presentFirst = "present the token with " + authenticateMethod + " first"

// untrusted is what the client of a server without token gets.
const untrusted = "the system does not tell which user is at the other end of this connection, and the server has neither a token nor verified a certificate"
