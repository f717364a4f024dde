package rpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

const (
	// maxQueued is how many bytes wait to be written before new calls wait with them.
	maxQueued = 1 << 20
	// inlineTime is how long what adds a message may try to write it by itself. It must
	// end before a cancelled call has to return, which is after 10 ms.
	inlineTime = 4 * time.Millisecond
	// flushTime is how long a connection that ends waits for the peer to take the rest.
	flushTime = 2 * time.Second
	// lingerTime is how long a connection is still read when nothing is written any more:
	// by the end that writes no more, until the other one has closed, as closing with
	// unread bytes may destroy what it has not read yet; and by the end whose write failed,
	// as answers may lie there.
	lingerTime = time.Second
)

// outbox is what a connection is about to send. Messages are added without waiting for the
// peer, so that no lock is held and no context ignored while it is slow.
//
// If nothing else is being written, what adds a message writes it too: to wake another
// goroutine for it would cost more than the system call. What it can't get rid of in
// inlineTime is left to the goroutine of run.
type outbox struct {
	conn    net.Conn
	timeout time.Duration // without progress
	inline  bool          // a write that timed out can be continued
	wake    chan struct{} // holds a token if there is work for run

	over atomic.Bool // nothing more is added: closing, or err

	mu      sync.Mutex
	buf     []byte        // frames that are not written yet
	writing bool          // there is a writer; others only add to buf
	running bool          // and it is run
	rest    []byte        // what the writer left to run; writing stays true
	refused int           // bytes in buf of answers that did not wait for room
	owed    time.Time     // until then notifications are waited for that are not written yet; zero if there are none
	spare   []byte        // the buffer written last, to be used again
	room    chan struct{} // closed when there is room again; nil if none waits
	closing bool          // no more frames are added; what is there is still written
	flushBy time.Time     // until then, if closing
	err     error         // why nothing is written any more
	done    chan struct{} // closed when run has ended
}

func newOutbox(c net.Conn, timeout time.Duration) *outbox {
	return &outbox{conn: c, timeout: timeout, inline: canContinue(c), wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// admit waits until there is room for another message, or the connection ends.
func (o *outbox) admit(ctx context.Context) error {
	err := o.lockWithRoom(ctx)
	if err == nil {
		err = o.err
		o.mu.Unlock()
	}
	return err
}

// lockWithRoom locks o.mu when there is room for another message, or none is taken any
// more. It fails with the cause of ctx alone, and has not locked then.
func (o *outbox) lockWithRoom(ctx context.Context) error {
	for {
		o.mu.Lock()
		if o.err != nil || o.closing || len(o.buf) < maxQueued {
			return nil
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// errFlood ends a connection whose other side sends calls and doesn't read.
var errFlood = fmt.Errorf("the other side sends calls above the limit and doesn't read the answers (%w)", breezeway.ErrTooLarge)

// add sends a message.
func (o *outbox) add(message []byte) error {
	o.mu.Lock()
	return o.addLocked(message)
}

// addWithRoom sends a message when there is room for it. That bounds what waits to be
// written by what waits here: at most MaxCalls goroutines.
func (o *outbox) addWithRoom(ctx context.Context, message []byte) error {
	if err := o.lockWithRoom(ctx); err != nil {
		return err
	}
	return o.addLocked(message)
}

// addIfRoom sends a message and reports true, or false if there is no room for it. What can't
// be sent any more has room.
func (o *outbox) addIfRoom(message []byte) bool {
	o.mu.Lock()
	if o.err == nil && !o.closing && len(o.buf) >= maxQueued {
		o.mu.Unlock()
		return false
	}
	o.addLocked(message)
	return true
}

// addRefusal sends an answer of the goroutine that reads, which can't wait. It fails with
// errFlood if too many of them have not been written yet.
func (o *outbox) addRefusal(message []byte) error {
	o.mu.Lock()
	if o.refused > maxQueued {
		o.mu.Unlock()
		return errFlood
	}
	o.refused += len(message)
	return o.addLocked(message)
}

// addNote sends a notification, which owed reports until it is written or ctx has ended.
func (o *outbox) addNote(ctx context.Context, message []byte) error {
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(time.Hour)
	}
	o.mu.Lock()
	if o.owed.Before(until) {
		o.owed = until
	}
	return o.addLocked(message)
}

// owes returns until when to wait for notifications that are not written yet, if there are any.
func (o *outbox) owes() (until time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.owed, o.err == nil && time.Now().Before(o.owed)
}

// addLocked sends a message. The caller holds o.mu, which addLocked gives up.
func (o *outbox) addLocked(message []byte) error {
	if err := o.ended(); err != nil {
		o.mu.Unlock()
		return err
	}
	o.buf = append(o.buf, "Content-Length: "...)
	o.buf = strconv.AppendInt(o.buf, int64(len(message)), 10)
	o.buf = append(o.buf, "\r\n\r\n"...)
	o.buf = append(o.buf, message...)
	o.writeLocked()
	return nil
}

// addRaw sends text without a frame.
func (o *outbox) addRaw(text string) error {
	o.mu.Lock()
	if err := o.ended(); err != nil {
		o.mu.Unlock()
		return err
	}
	o.buf = append(o.buf, text...)
	o.writeLocked()
	return nil
}

// ended returns why nothing can be added. The caller holds o.mu.
func (o *outbox) ended() error {
	if o.err == nil && o.closing {
		return net.ErrClosed
	}
	return o.err
}

// writeLocked writes what is in buf, unless there is a writer. The caller holds o.mu, which
// it gives up.
func (o *outbox) writeLocked() {
	switch {
	case o.writing:
		o.mu.Unlock()
		return
	case !o.inline || len(o.buf) > maxQueued/2:
		o.signal()
		o.mu.Unlock()
		return
	}
	batch := o.takeLocked()
	o.conn.SetWriteDeadline(time.Now().Add(inlineTime))
	o.mu.Unlock()
	n, err := o.conn.Write(batch)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.writtenLocked(batch)
	case isTimeout(err):
		o.rest = batch[n:]
	default:
		o.writing = false
		o.failLocked(err)
	}
	if o.rest != nil || len(o.buf) > 0 || o.closing {
		o.signal()
	}
}

// takeLocked makes the caller the writer, and returns what it has to write.
func (o *outbox) takeLocked() []byte {
	batch := o.buf
	o.buf, o.spare = o.spare[:0], nil
	o.writing, o.refused = true, 0
	o.freeLocked()
	return batch
}

// writtenLocked ends being the writer.
func (o *outbox) writtenLocked(batch []byte) {
	o.writing, o.running = false, false
	if cap(batch) <= keepBody {
		o.spare = batch[:0]
	}
	if len(o.buf) == 0 {
		o.owed = time.Time{}
	}
}

// signal wakes run.
func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// finish lets run end when all is written, or flushTime after the first finish.
func (o *outbox) finish() { o.finishBy(time.Now().Add(flushTime)) }

// finishBy is finish, with another end.
func (o *outbox) finishBy(end time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closing {
		return
	}
	o.closing = true
	o.over.Store(true)
	o.flushBy = end
	if o.running { // any other writer ends after inlineTime
		o.conn.SetWriteDeadline(o.flushBy)
	}
	o.freeLocked()
	o.signal()
}

// fail ends writing at once.
func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failLocked(err)
}

func (o *outbox) failLocked(err error) {
	if o.err == nil {
		o.err = err
	}
	o.over.Store(true)
	o.freeLocked()
	o.signal()
}

// freeLocked wakes the waiters of admit.
func (o *outbox) freeLocked() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// errFinished ends run when all is written.
var errFinished = errors.New("all is written")

// run writes what is left to it until finish or fail, and returns why it ended: nil if all
// is written.
func (o *outbox) run() error {
	defer close(o.done)
	for range o.wake {
		for {
			batch, err := o.next()
			if err == errFinished {
				return nil
			}
			if err != nil {
				return err
			}
			if batch == nil {
				break
			}
			err = o.write(batch)
			o.mu.Lock()
			o.writtenLocked(batch)
			if err != nil {
				o.failLocked(err)
			}
			o.mu.Unlock()
		}
	}
	return nil
}

// next returns what run has to write, nil if there is nothing, or an error at the end.
func (o *outbox) next() ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return nil, o.err
	case o.rest != nil:
		batch := o.rest
		o.rest, o.running = nil, true
		return batch, nil
	case o.writing:
		return nil, nil
	case len(o.buf) > 0:
		o.running = true
		return o.takeLocked(), nil
	case o.closing:
		return nil, errFinished
	}
	return nil, nil
}

// write writes in pieces, each of which the peer has to take in time.
func (o *outbox) write(batch []byte) error {
	for len(batch) > 0 {
		o.setDeadline()
		n, err := o.conn.Write(batch[:min(len(batch), 64<<10)])
		if err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

// setDeadline bounds the next write.
func (o *outbox) setDeadline() {
	o.mu.Lock()
	defer o.mu.Unlock()
	deadline := time.Now().Add(o.timeout)
	if o.closing && o.flushBy.Before(deadline) {
		deadline = o.flushBy
	}
	o.conn.SetWriteDeadline(deadline)
}
