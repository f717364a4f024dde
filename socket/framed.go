package socket

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/frame"
)

// DefaultMaxMessage is the size of a message, in bytes, up to which [Framed] takes
// messages if it is given 0.
const DefaultMaxMessage = 16 << 20

// greeting begins each direction of framed messages. Its first byte is not ASCII, and CR
// LF and ^Z are in it, as in PNG, so that neither text nor a stream that was converted
// passes for it. Its last byte is the version. After it comes the size of the largest
// message that this side takes, as an unsigned 32-bit little-endian number
// (docs/formats.md).
var greeting = [8]byte{0x89, 'B', 'W', 'F', '\r', '\n', 0x1a, 1}

const greetingSize = len(greeting) + 4

// Framed makes a connection carry whole messages: of this module, or of any other kind.
// Both ends call it, and tell each other the size of the largest message that they take:
// maxMessage, up to 4 GiB - 1; 0 means [DefaultMaxMessage]. It waits for the other side's
// greeting until ctx ends.
//
// What doesn't begin as it should is [breezeway.ErrMismatch]. After an error the
// connection is of no use any more; the caller closes it, as in the end.
func Framed(ctx context.Context, conn net.Conn, maxMessage int) (*FramedConn, error) {
	f, err := newFramed(ctx, conn, maxMessage)
	return f, fail.With(breezeway.OpNew, kindFramed, "", err)
}

const kindFramed = "framed"

func newFramed(ctx context.Context, conn net.Conn, maxMessage int) (*FramedConn, error) {
	if maxMessage == 0 {
		maxMessage = DefaultMaxMessage
	}
	switch {
	case conn == nil:
		return nil, fmt.Errorf("the connection is nil (%w)", os.ErrInvalid)
	case maxMessage < 0 || uint64(maxMessage) > math.MaxUint32:
		return nil, fmt.Errorf("a largest message of %d bytes is not within 0 and %d (%w)", maxMessage, uint32(math.MaxUint32), os.ErrInvalid)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	f := &FramedConn{conn: conn, in: frame.NewReader(conn, frame.LittleEndian, uint64(maxMessage))}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	theirs, err := f.greet(maxMessage)
	if !stop() {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	f.maxSend = theirs
	format := frame.LittleEndian
	format.Max = theirs
	f.out = frame.NewWriter(conn, format)
	return f, nil
}

// FramedConn carries whole messages; see [Framed]. All methods may be called
// concurrently. Messages of concurrent Sends don't mix. The errors of a nil or zero
// FramedConn are [os.ErrInvalid].
type FramedConn struct {
	conn    net.Conn
	out     *frame.Writer
	maxSend uint64
	sendErr error // of our greeting: the other side may have sent messages and gone

	reading sync.Mutex
	in      *frame.Reader
}

// greet exchanges greetings: at the same time, since the connection may have no buffer.
func (f *FramedConn) greet(maxMessage int) (theirs uint64, err error) {
	said := make(chan error, 1)
	go func() {
		_, err := f.conn.Write(binary.LittleEndian.AppendUint32(greeting[:len(greeting):len(greeting)], uint32(maxMessage)))
		said <- err
	}()
	theirs, err = readGreeting(f.in)
	if err != nil {
		f.conn.SetWriteDeadline(time.Unix(1, 0)) // nothing more is to be said
	}
	f.sendErr = <-said
	return theirs, err
}

// readGreeting compares as the bytes come, so that what is another protocol is told at
// its first byte.
func readGreeting(in *frame.Reader) (uint64, error) {
	var got [greetingSize]byte
	for i := range got {
		if err := in.Full(got[i : i+1]); err != nil {
			if err == io.EOF && i > 0 {
				err = io.ErrUnexpectedEOF
			}
			return 0, fmt.Errorf("the other side sent no greeting: %w", err)
		}
		switch {
		case i == len(greeting)-1 && got[i] != greeting[i]:
			return 0, fmt.Errorf("the other side speaks version %d of framed messages, this one version %d (%w)", got[i], greeting[i], breezeway.ErrMismatch)
		case i < len(greeting) && got[i] != greeting[i]:
			return 0, fmt.Errorf("the other side sends no framed messages; both ends must (%w)", breezeway.ErrMismatch)
		}
	}
	return uint64(binary.LittleEndian.Uint32(got[len(greeting):])), nil
}

// Send sends one message, which may be empty. One that is larger than the other side takes
// fails with a [breezeway.TooLargeError], and nothing is sent. A deadline that cuts a
// message off leaves the connection unusable for sending.
func (f *FramedConn) Send(p []byte) error {
	if !f.valid() {
		return f.fail(breezeway.OpSend, errNoFramed)
	}
	if f.sendErr != nil {
		return f.fail(breezeway.OpSend, f.sendErr)
	}
	if err := f.out.Write(p); err != nil {
		return f.fail(breezeway.OpSend, ofPeer(err))
	}
	return nil
}

// ofPeer says of a message that is too large that the limit is the other side's.
func ofPeer(err error) error {
	var large *breezeway.TooLargeError
	if errors.As(err, &large) {
		return &breezeway.TooLargeError{Size: large.Size, Max: large.Max, Peer: true}
	}
	return err
}

// Receive appends the next message to buf, which may be nil. Memory grows with what has
// arrived, not with what the sender announced.
//
// When the other side has closed it returns [io.EOF], in the midst of a message
// [io.ErrUnexpectedEOF]. A message that is larger than this side takes is a
// [breezeway.TooLargeError]: the other side breaks what was agreed on, and nothing can be
// received any more. With [os.ErrDeadlineExceeded] buf is as it was, and what has arrived
// stays for the next call.
func (f *FramedConn) Receive(buf []byte) ([]byte, error) {
	if !f.valid() {
		return buf, f.fail(breezeway.OpReceive, errNoFramed)
	}
	f.reading.Lock()
	defer f.reading.Unlock()
	buf, err := f.in.Next(buf)
	return buf, f.fail(breezeway.OpReceive, err)
}

// MaxSend returns the size of the largest message that the other side takes, in bytes.
func (f *FramedConn) MaxSend() uint64 {
	if !f.valid() {
		return 0
	}
	return f.maxSend
}

// Conn returns the connection below, for deadlines, the peer, and the like. What is read
// from it or written to it is missing in messages.
func (f *FramedConn) Conn() net.Conn {
	if !f.valid() {
		return nil
	}
	return f.conn
}

// Close closes the connection.
func (f *FramedConn) Close() error {
	if !f.valid() {
		return f.fail(breezeway.OpClose, errNoFramed)
	}
	return f.fail(breezeway.OpClose, f.conn.Close())
}

var errNoFramed = fmt.Errorf("the FramedConn is nil or zero; use one that Framed returned (%w)", os.ErrInvalid)

func (f *FramedConn) valid() bool { return f != nil && f.conn != nil }

func (f *FramedConn) fail(op string, err error) error {
	if err == io.EOF {
		return err
	}
	return fail.With(op, kindFramed, "", err)
}
