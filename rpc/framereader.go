package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// A message is framed as the Language Server Protocol does it:
//
//	Content-Length: 42\r\n
//	Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n    (may be missing)
//	\r\n
//	42 bytes of JSON
const (
	maxHeader = 4 << 10
	keepBody  = 1 << 20   // a buffer up to this size is used again
	bodyRate  = 64 << 10  // bytes a second that a body has to come with
	bodyStep  = 256 << 10 // memory that a claimed length gets before as much has arrived
)

// errHTTP means that an HTTP client is at the other end, perhaps a browser that a foreign
// page told to send something.
var errHTTP = fmt.Errorf("this is HTTP, and JSON-RPC with Content-Length headers is expected (%w)", breezeway.ErrMismatch)

// frameReader reads messages. One goroutine uses it at a time. Another one may go on where a
// read was interrupted, in the middle of a message too.
type frameReader struct {
	conn    net.Conn
	limit   func() int  // the size of the largest message
	ended   func() bool // nothing is to be read any more; what says so interrupts a read, too
	timeout time.Duration

	buf        []byte
	start, end int // of what has arrived in buf and is not used yet
	head       header
	body       []byte // what has arrived of a body that is larger than buf
	idle       int    // how many times in a row nothing came, and no error

	timed    part      // what deadline is for
	deadline time.Time // by which it has to arrive; zero between two messages
}

// part is a part of a message.
type part string

const (
	noPart     part = ""
	headerPart part = "header"
	bodyPart   part = "body"
)

// errInterrupted ends the wait for a message; the next one goes on from there.
var errInterrupted = errors.New("interrupted")

// maxIdle is how many reads in a row may return nothing.
const maxIdle = 100

func newFrameReader(c net.Conn, timeout time.Duration) *frameReader {
	return &frameReader{conn: c, timeout: timeout, buf: make([]byte, 2*maxHeader), head: noHeader}
}

// next waits for a message. It is valid until the next call. The end of the stream between
// two messages is io.EOF. When ctx or the link ends it fails with errInterrupted, but a read that
// waits already has to be ended by a deadline in the past.
func (r *frameReader) next(ctx context.Context) ([]byte, error) {
	for {
		message, err := r.parse()
		switch {
		case err != nil:
			return nil, err
		case message != nil:
			r.finish()
			return message, nil
		}
		if err := r.fill(ctx); err != nil {
			return nil, err
		}
	}
}

// finish makes the reader ready for the next message. The one that was read stays where it is.
func (r *frameReader) finish() {
	r.head, r.body = noHeader, r.body[:0]
	if cap(r.body) > keepBody {
		r.body = nil
	}
	if r.timed != noPart {
		r.timed, r.deadline = noPart, time.Time{}
		r.conn.SetReadDeadline(r.deadline)
	}
}

// hasMore reports whether something has arrived of the next message.
func (r *frameReader) hasMore() bool { return r.start < r.end || r.head != noHeader }

// parse returns the next message if it has arrived as a whole, and nil if it hasn't.
func (r *frameReader) parse() ([]byte, error) {
	for !r.head.complete {
		line, err := r.line()
		if line == nil || err != nil {
			return nil, err
		}
		if err := r.head.take(line, r.limit); err != nil {
			return nil, err
		}
	}
	n := r.head.length
	if n <= len(r.buf) {
		if r.end-r.start < n {
			return nil, nil
		}
		r.start += n
		return r.buf[r.start-n : r.start], nil
	}
	r.collect(n)
	if len(r.body) < n {
		return nil, nil
	}
	return r.body, nil
}

// line returns the next line of a header with its end, nil if it has not arrived.
func (r *frameReader) line() ([]byte, error) {
	arrived := r.buf[r.start:r.end]
	line, _, ended := bytes.Cut(arrived, []byte{'\n'})
	if ended {
		line = arrived[:len(line)+1]
	}
	switch {
	case r.head.size+len(line) > maxHeader:
		return nil, fmt.Errorf("a header has more than %d bytes (%w)", maxHeader, breezeway.ErrTooLarge)
	case !ended:
		return nil, nil
	}
	r.start += len(line)
	return line, nil
}

// collect moves what has arrived of a body of n bytes out of buf.
func (r *frameReader) collect(n int) {
	if r.start == r.end {
		return
	}
	moved := copy(r.room(n), r.buf[r.start:r.end])
	r.body = r.body[:len(r.body)+moved]
	r.start += moved
}

// room returns where the next bytes of a body of n bytes go. Memory grows with what
// arrives, not with what the header claims.
func (r *frameReader) room(n int) []byte {
	have := len(r.body)
	if have == cap(r.body) {
		grown := make([]byte, have, have+min(n-have, max(bodyStep, have)))
		copy(grown, r.body)
		r.body = grown
	}
	return r.body[have:min(n, cap(r.body))]
}

// fill waits for more of a message.
func (r *frameReader) fill(ctx context.Context) error {
	r.setDeadline()
	if ctx.Err() != nil || r.ended() { // after the deadline was set, which may have replaced the one that interrupts
		return errInterrupted
	}
	large := r.head.complete && r.head.length > len(r.buf)
	var n int
	var err error
	if large {
		n, err = r.conn.Read(r.room(r.head.length))
		r.body = r.body[:len(r.body)+n]
	} else {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
		n, err = r.conn.Read(r.buf[r.end:])
		r.end += n
	}
	switch {
	case n > 0: // an error comes again
		r.idle = 0
		return nil
	case err != nil:
		return r.cut(ctx, err)
	}
	if r.idle++; r.idle == maxIdle {
		return io.ErrNoProgress
	}
	return nil
}

// setDeadline bounds the time of a message that has begun.
func (r *frameReader) setDeadline() {
	switch {
	case r.head.complete && r.timed != bodyPart:
		r.timed = bodyPart
		r.deadline = time.Now().Add(r.timeout).Add(time.Duration(r.head.length) * time.Second / bodyRate)
	case !r.head.complete && r.timed == noPart && r.hasMore():
		r.timed = headerPart
		r.deadline = time.Now().Add(r.timeout)
	default:
		return
	}
	r.conn.SetReadDeadline(r.deadline)
}

// cut says of an error what it means here.
func (r *frameReader) cut(ctx context.Context, err error) error {
	switch {
	case err == io.EOF && r.hasMore():
		return io.ErrUnexpectedEOF
	case !isTimeout(err):
		return err
	case ctx.Err() != nil && (r.timed == noPart || time.Now().Before(r.deadline)):
		return errInterrupted
	case r.timed != noPart:
		return fmt.Errorf("the %s of a message did not arrive in time (%w)", r.timed, err)
	}
	return err
}

// resume takes back what interrupted a read.
func (r *frameReader) resume() { r.conn.SetReadDeadline(r.deadline) }
