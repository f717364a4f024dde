package python

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
	"sync/atomic"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/frame"
)

const kindConn = "multiprocessing"

// Conn is a connection of multiprocessing.connection: each Send is a send_bytes, each
// Receive a recv_bytes of the other side. All methods may be called concurrently, and
// messages of concurrent Sends don't mix. The errors of a nil or zero Conn are
// [os.ErrInvalid].
//
// What Python sends by send, rather than send_bytes, is a message with a pickle in it. A
// pickle is a program: don't run one of a peer that you don't trust, and have Python not
// use recv for what Go sends.
type Conn struct {
	conn net.Conn
	messenger
	unsure atomic.Bool // without a handshake, before the first message: the other side may begin one
}

// messenger carries messages.
type messenger interface {
	send(p []byte) error
	// receive appends the next message to buf.
	receive(buf []byte) ([]byte, error)
	// limit bounds messages that are received, in bytes.
	limit(max int)
}

// Client makes c, which is connected to a multiprocessing.connection.Listener, ready for
// messages: it takes the part of multiprocessing.connection.Client. c is that of any
// package: [net.Dial] to Python's ("127.0.0.1", 6000), package socket or pipe to a path.
//
// The handshake ends with the cause of ctx, and with [os.ErrDeadlineExceeded] after
// Config.HandshakeTimeout: a side without an authkey makes none. A key that is not the
// other side's is [os.ErrPermission], and what is no such handshake
// [breezeway.ErrMismatch]. If Client fails c is closed.
func Client(ctx context.Context, c net.Conn, cfg *Config) (*Conn, error) {
	conn, err := connect(ctx, c, cfg, answerChallenge, deliverChallenge)
	return conn, fail.With(breezeway.OpDial, kindConn, "", err)
}

// Server is [Client] for the part of the Listener, on one connection that was accepted.
func Server(ctx context.Context, c net.Conn, cfg *Config) (*Conn, error) {
	conn, err := connect(ctx, c, cfg, deliverChallenge, answerChallenge)
	return conn, fail.With(breezeway.OpAccept, kindConn, "", err)
}

// half is one side's half of a handshake.
type half func(m messenger, key []byte) error

func connect(ctx context.Context, c net.Conn, cfg *Config, first, second half) (*Conn, error) {
	if c == nil {
		return nil, fmt.Errorf("the connection is nil (%w)", os.ErrInvalid)
	}
	conn, err := shake(ctx, c, cfg, first, second)
	if err != nil {
		c.Close()
		return nil, err
	}
	return conn, nil
}

func shake(ctx context.Context, c net.Conn, cfg *Config, first, second half) (*Conn, error) {
	s, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	m, err := newMessenger(c, &s)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if !s.NoAuth {
		ctx, cancel := context.WithTimeoutCause(ctx, s.HandshakeTimeout, fmt.Errorf("no handshake came within %v, perhaps since the other side has no authkey; see %s (%w)",
			s.HandshakeTimeout, fail.Go("Config.NoAuth"), os.ErrDeadlineExceeded))
		defer cancel()
		stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
		m.limit(mostOfHandshake)
		err := first(m, s.AuthKey)
		if err == nil {
			err = second(m, s.AuthKey)
		}
		if !stop() {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	m.limit(s.MaxMessage)
	conn := &Conn{conn: c, messenger: m}
	conn.unsure.Store(s.NoAuth)
	return conn, nil
}

func newMessenger(c net.Conn, s *Config) (messenger, error) {
	if !s.Messages {
		return &stream{in: frame.NewReader(c, prefix, 0), out: frame.NewWriter(c, prefix)}, nil
	}
	if r, ok := c.(messageReader); ok {
		return &messages{c: c, r: r}, nil
	}
	return nil, fmt.Errorf("%s is set, but the connection doesn't keep messages apart: it has no method ReadMessage (%w)", fail.Go("Config.Messages"), os.ErrInvalid)
}

// Send sends a message, which may be empty. A deadline that cuts a message off leaves the
// connection unusable for sending.
func (c *Conn) Send(p []byte) error {
	if !c.valid() {
		return c.fail(breezeway.OpSend, errNoConn)
	}
	return c.fail(breezeway.OpSend, c.send(p))
}

// Receive appends the next message to buf, which may be nil. Memory grows with what has
// arrived, not with what the sender announced.
//
// When the other side has closed it returns [io.EOF], in the midst of a message
// [io.ErrUnexpectedEOF]. With Config.NoAuth a first message that is the other side's
// challenge is [breezeway.ErrMismatch]: it has an authkey. A message above Config.MaxMessage is a [breezeway.TooLargeError],
// after which nothing can be received. With [os.ErrDeadlineExceeded] buf is as it was, and
// what has arrived stays for the next call.
func (c *Conn) Receive(buf []byte) ([]byte, error) {
	if !c.valid() {
		return buf, c.fail(breezeway.OpReceive, errNoConn)
	}
	before := len(buf)
	buf, err := c.receive(buf)
	if err == nil && c.unsure.Swap(false) && isChallenge(buf[before:]) {
		return buf[:before], c.fail(breezeway.OpReceive, errChallenged)
	}
	return buf, c.fail(breezeway.OpReceive, err)
}

// Conn returns the connection below, for deadlines and the peer.
func (c *Conn) Conn() net.Conn {
	if !c.valid() {
		return nil
	}
	return c.conn
}

// Close closes the connection, which ends pending calls. Closing again does nothing.
func (c *Conn) Close() error {
	if !c.valid() {
		return c.fail(breezeway.OpClose, errNoConn)
	}
	err := c.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return c.fail(breezeway.OpClose, err)
}

var errNoConn = fmt.Errorf("the Conn is nil or zero; use one that Client, Server or Accept returned (%w)", os.ErrInvalid)

func (c *Conn) valid() bool { return c != nil && c.conn != nil }

func (c *Conn) fail(op string, err error) error {
	if err == io.EOF {
		return err
	}
	return fail.With(op, kindConn, "", err)
}

// prefix is Python's header: the length as a signed 32-bit number in network order, or if
// that is not enough -1 and then the length as an unsigned 64-bit number.
var prefix = frame.Format{
	First: 4,
	Max:   math.MaxInt,
	Append: func(b []byte, size int) []byte {
		if size <= math.MaxInt32 {
			return binary.BigEndian.AppendUint32(b, uint32(size))
		}
		return binary.BigEndian.AppendUint64(append(b, 0xff, 0xff, 0xff, 0xff), uint64(size))
	},
	Parse: func(head []byte) (size uint64, need int) {
		short := int32(binary.BigEndian.Uint32(head))
		switch {
		case short >= 0:
			return uint64(short), 0
		case short != -1:
			return math.MaxUint64, 0 // above every limit
		case len(head) < 12:
			return 0, 12
		}
		return binary.BigEndian.Uint64(head[4:]), 0
	},
}

// stream carries messages behind their lengths.
type stream struct {
	out *frame.Writer
	mu  sync.Mutex
	in  *frame.Reader
}

func (s *stream) send(p []byte) error { return s.out.Write(p) }

func (s *stream) receive(buf []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in.Next(buf)
}

func (s *stream) limit(max int) { s.in.SetMax(uint64(max)) }

// messages carries messages on a connection that keeps them apart.
type messages struct {
	c   net.Conn
	r   messageReader
	max int
}

type messageReader interface {
	ReadMessage(buf []byte) ([]byte, error)
}

func (m *messages) send(p []byte) error {
	_, err := m.c.Write(p)
	return err
}

func (m *messages) receive(buf []byte) ([]byte, error) {
	message, err := m.r.ReadMessage(buf)
	if n := len(message) - len(buf); err == nil && n > m.max {
		return buf, &breezeway.TooLargeError{Size: uint64(n), Max: uint64(m.max)}
	}
	return message, err
}

func (m *messages) limit(max int) { m.max = max }
