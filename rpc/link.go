package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// maxBatch is how many requests an array may have.
const maxBatch = 1000

// link is one connection. Both ends are the same: each executes the calls of the other.
// One goroutine reads, and what adds a message to out writes it.
type link struct {
	conn    net.Conn
	cfg     *settings
	objects *registry
	peer    breezeway.Peer
	serving bool // the other end dialled
	in      *frameReader
	out     *outbox
	ctx     context.Context // ends with the connection
	cancel  context.CancelCauseFunc

	turn    readTurn
	reader  readerRole
	jobs    chan func() // for workers that wait
	idle    atomic.Int32
	workers sync.WaitGroup

	authorized atomic.Bool
	refusal    atomic.Pointer[Error] // what the other side said last, if that may be why it closes
	lingering  atomic.Bool           // what the other side sends is read when this end has ended

	mu       sync.Mutex
	lastID   uint64
	outgoing map[uint64]*outgoing
	incoming map[string]context.CancelFunc // calls of the other side, by their ids
	streams  map[string]*sending           // by the id of the request
	err      error                         // why the link ended

	running  int           // calls and notifications that are executed or not answered yet
	draining bool          // no new ones are taken
	refused  *Error        // why not, if that isn't a Shutdown
	mute     bool          // answers can't be sent any more
	notes    []func()      // notifications that are executed one after the other
	noting   bool          // there is a goroutine that does so
	moved    chan struct{} // closed when notes become fewer; nil if none waits
	ended    chan struct{} // closed when all of it is over
}

func newLink(c net.Conn, cfg *settings, objects *registry, serving bool) *link {
	l := &link{
		conn: c, cfg: cfg, objects: objects, peer: peerOf(c), serving: serving,
		in:       newFrameReader(c, cfg.ReadTimeout),
		out:      newOutbox(c, cfg.WriteTimeout),
		outgoing: map[uint64]*outgoing{}, incoming: map[string]context.CancelFunc{}, streams: map[string]*sending{},
		jobs: make(chan func()), ended: make(chan struct{}),
	}
	l.in.limit, l.in.ended = l.maxIncoming, func() bool { return !l.alive() }
	l.turn.init(l)
	l.reader.init(l)
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	return l
}

// maxUnauthorized is how large a message may be before a token was presented.
const maxUnauthorized = 64 << 10

// maxIncoming returns how large the next message may be.
func (l *link) maxIncoming() int {
	if l.authorized.Load() {
		return l.cfg.MaxMessage
	}
	return min(l.cfg.MaxMessage, maxUnauthorized)
}

// run serves the connection until it ends and all that it executed has returned, and
// returns why: io.EOF if the other side closed.
func (l *link) run() error {
	go l.write()
	l.workers.Go(l.read)
	<-l.reader.ended
	l.out.finish()
	<-l.out.done
	if l.lingering.Load() && l.cause() != io.EOF {
		l.conn.SetReadDeadline(time.Now().Add(lingerTime))
		io.Copy(io.Discard, l.conn)
	}
	l.conn.Close()
	l.workers.Wait()
	close(l.ended)
	return l.cause()
}

// write writes until all is written or the connection fails.
func (l *link) write() {
	err := l.out.run()
	switch {
	case err == nil && l.lingering.Load() && closeWrite(l.conn) == nil:
		time.AfterFunc(lingerTime, func() { l.conn.Close() }) // ends read, too
	case err == nil || errors.Is(err, net.ErrClosed):
		l.conn.Close()
	case isTimeout(err):
		l.end(err)
		l.conn.Close()
	default: // the other side reads no more; what it sent before is still taken
		l.mu.Lock()
		l.mute = true
		l.mu.Unlock()
		time.AfterFunc(lingerTime, func() { l.end(err); l.conn.Close() })
	}
}

// closeWrite tells the other side that nothing follows.
func closeWrite(c net.Conn) error {
	half, ok := c.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// end makes err the reason for the end, if there is none yet, and ends the calls. Nothing is
// sent any more: methods whose contexts it cancels would answer that their callers did.
func (l *link) end(err error) {
	err = l.blame(err)
	l.out.finish()
	l.mu.Lock()
	pending, unread := l.outgoing, !l.turn.taken
	l.outgoing, l.turn.taken = nil, true
	l.mu.Unlock()
	l.cancel(err)
	for _, o := range pending {
		o.answer <- answer{err: l.lost()}
	}
	if unread {
		close(l.reader.ended)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.turn.leader != nil { // it has an answer now
		l.conn.SetReadDeadline(longAgo)
	}
}

// longAgo is a deadline that interrupts.
var longAgo = time.Unix(1, 0)

// cause returns why the link ended.
func (l *link) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// lost returns the error of calls that were under way when the link ended.
func (l *link) lost() error {
	err, refusal := l.cause(), l.refusal.Load()
	switch {
	case err == errClosedHere:
		return net.ErrClosed
	case refusal != nil:
		return fmt.Errorf("%w: %w", ErrLost, l.explainToken(refusal))
	case err == nil || err == io.EOF || errors.Is(err, net.ErrClosed):
		return fmt.Errorf("%w: the other side closed it", ErrLost)
	default:
		return fmt.Errorf("%w: %w", ErrLost, explainTLS(err, clientTrust))
	}
}

// errClosedHere is the cause of a link that this end closed.
var errClosedHere = fmt.Errorf("closed (%w)", net.ErrClosed)

// close ends the link at once.
func (l *link) close(err error) {
	l.blame(err)
	l.out.fail(net.ErrClosed)
	l.end(err)
	l.conn.Close()
}

// blame makes err the reason for the end, if there is none yet, and returns the reason. It
// comes before what others find ended.
func (l *link) blame(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	return l.err
}

// breakOff ends the link because of what the other side sent, after telling it.
func (l *link) breakOff(err error) {
	if errors.Is(err, errHTTP) {
		l.out.addRaw("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" + err.Error() + "\n")
	} else {
		code := CodeParse
		if errors.Is(err, breezeway.ErrTooLarge) {
			code = CodeTooLarge
		}
		l.tell(Errorf(code, "%s", err))
	}
	l.drop(err)
}

// drop logs that the link ends because of the other side.
func (l *link) drop(err error) {
	l.cfg.Logger.Warn("rpc: connection dropped", "peer", l.peer.String(), "address", addressOf(l.conn), "error", err)
	l.lingering.Store(true)
	l.end(err)
}

// tell sends an error that belongs to no request.
func (l *link) tell(e *Error) {
	if text, err := json.Marshal(e); err == nil {
		l.out.add(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":null,"error":%s}`, text))
	}
}

// read takes messages until the link ends, or until another goroutine reads: because this
// one executes a call, or calls read for themselves.
func (l *link) read() {
	if l.readOn(l.ctx) {
		close(l.reader.ended)
	}
}

// readOn takes messages until ctx ends or it is enough, and reports whether the link ended.
func (l *link) readOn(ctx context.Context) (over bool) {
	for l.ready(ctx) {
		message, err := l.in.next(ctx)
		if err == nil {
			err = l.take(message)
		}
		switch {
		case err == nil:
			if l.enough() {
				return false
			}
		case err == errTakenOver:
			return false
		case l.ctx.Err() != nil:
			return true
		case err == errInterrupted:
			return false
		case err == io.EOF, errors.Is(err, net.ErrClosed):
			l.end(io.EOF)
			return true
		case errors.Is(err, breezeway.ErrMismatch), errors.Is(err, breezeway.ErrTooLarge), isTimeout(err):
			l.breakOff(err)
			return true
		default:
			l.end(err)
			return true
		}
	}
	return !l.alive()
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// take takes a message. An error means that the protocol is broken.
func (l *link) take(message []byte) error {
	f, method := classify(message)
	if f == response {
		return l.answered(message)
	}
	l.refusal.Store(nil) // it did not close after that
	switch {
	case f == request && method == itemMethod:
		return l.received(message)
	case f == batch:
		return l.executeBatch(message)
	}
	return l.executeMessage(message, nil)
}

// ready waits until there is room for another request, and reports false if the link or ctx
// has ended. While calls of this end are under way it waits for executed notifications no
// longer than to a limit: what they wait for may be the answer that is read next.
func (l *link) ready(ctx context.Context) bool {
	if l.serving { // a client reads always, so that never both wait
		l.out.admit(l.ctx)
	}
	for {
		l.mu.Lock()
		notes := len(l.notes)
		if notes < l.cfg.MaxCalls || len(l.outgoing) > 0 && notes < 16*l.cfg.MaxCalls {
			l.mu.Unlock()
			return l.alive() && ctx.Err() == nil
		}
		if l.moved == nil {
			l.moved = make(chan struct{})
		}
		moved := l.moved
		l.mu.Unlock()
		select {
		case <-moved:
		case <-l.ctx.Done():
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// movedLocked wakes ready.
func (l *link) movedLocked() {
	if l.moved != nil {
		close(l.moved)
		l.moved = nil
	}
}

// finished counts calls that were answered, and notifications that were executed.
func (l *link) finished(n int) {
	l.mu.Lock()
	l.running -= n
	over := l.draining && l.running <= 0
	l.mu.Unlock()
	if over {
		l.out.finish()
	}
}

// drain lets the link end when everything that runs is answered. Others are refused with
// an error, or because of Shutdown if that is nil. It reports whether it was the first.
func (l *link) drain(refused *Error) (first bool) {
	l.lingering.Store(true)
	l.mu.Lock()
	if first = !l.draining; first {
		l.draining, l.refused = true, refused
	}
	l.mu.Unlock()
	l.finished(0)
	return first
}

// alive reports whether the link has not ended.
func (l *link) alive() bool { return l.ctx.Err() == nil }

// takes reports whether calls can be sent.
func (l *link) takes() bool { return l.alive() && !l.out.over.Load() }

// awaitToken drops the link if no token is presented in time.
func (l *link) awaitToken() {
	timer := time.AfterFunc(l.cfg.ReadTimeout, func() {
		if !l.authorized.Load() {
			l.tell(Errorf(CodeUnauthorized, "no token was presented within %v", l.cfg.ReadTimeout))
			l.drop(errNoToken)
		}
	})
	context.AfterFunc(l.ctx, func() { timer.Stop() })
}
