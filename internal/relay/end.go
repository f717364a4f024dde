package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/breezeway-ipc/breezeway"
)

// End is one of the two that are joined. Next and Put are each called by one goroutine at a
// time, and Close by any, also while they run: it ends them.
type End interface {
	// Next returns what arrives next. It fails with [io.EOF] after the last. The data is
	// valid until the next call. If settle isn't nil it is called before that, with nil
	// when the other end has taken the data, and otherwise with why not: then the data
	// comes again.
	Next(ctx context.Context) (data []byte, settle func(ctx context.Context, lost error) error, err error)

	// EndNext says that nothing more is read: what the other side writes from now on
	// fails there. It reports false if the end can't say that without losing what was
	// put; then what comes is to be read and dropped.
	EndNext() (said bool)

	// Put hands data on.
	Put(ctx context.Context, data []byte) error

	// Taken waits until the other side has read what was put, where the system tells that,
	// and fails if it can't be read any more. Elsewhere it returns at once.
	Taken(ctx context.Context) error

	// EndPut says that there will be no more Put. The other direction goes on. It reports
	// false if the end can't say that without closing.
	EndPut(ctx context.Context) (said bool, err error)

	Close() error
}

// Stream is an End of bytes: a connection, or standard input and output. A part that is nil
// is a direction that it lacks.
type Stream struct {
	In     io.Reader
	Out    io.Writer
	Closer io.Closer

	// Whole says that In keeps messages apart, which are passed on whole.
	Whole bool

	// Packets says that In keeps packets apart, each of which one Read takes: what is
	// longer than the buffer is lost.
	Packets bool

	// Socket, if it isn't nil, is the stream socket that In and Out read and write, adding
	// nothing. Kind and Name are what an error of it says.
	Socket     syscall.RawConn
	Kind, Name string

	// Separator is put behind each piece, for one that comes from an end of messages.
	Separator []byte

	buf, separated []byte
}

// messages is a connection that keeps messages apart.
type messages interface {
	ReadMessage(buf []byte) ([]byte, error)
}

// bufferSize is how much is read at a time. With more, throughput between two Unix sockets
// doesn't grow.
const bufferSize = 64 << 10

// packetSize is more than the packets have, of some 200 KiB, that a system with its defaults
// sends whole.
const packetSize = 256 << 10

// Next implements [End].
func (s *Stream) Next(context.Context) ([]byte, func(context.Context, error) error, error) {
	if s.In == nil {
		return nil, nil, io.EOF
	}
	if m, ok := s.In.(messages); ok && s.Whole {
		data, err := m.ReadMessage(s.buf[:0])
		s.buf = data
		return data, nil, err
	}
	if s.buf == nil {
		s.buf = make([]byte, map[bool]int{false: bufferSize, true: packetSize}[s.Packets])
	}
	for {
		n, err := s.In.Read(s.buf)
		switch {
		case errors.Is(err, breezeway.ErrTooLarge):
			return nil, nil, err // the rest of a packet is lost
		case n > 0:
			return s.buf[:n], nil, nil // the error comes again
		case err != nil:
			return nil, nil, err
		}
	}
}

// EndNext implements [End]. TCP has no word for it: with bytes unread it would reset the
// connection, and lose what the other side has not received.
func (s *Stream) EndNext() bool {
	if conn, ok := s.In.(net.Conn); !ok || strings.HasPrefix(conn.LocalAddr().Network(), "tcp") {
		return s.In == nil
	}
	half, ok := s.In.(interface{ CloseRead() error })
	return ok && half.CloseRead() == nil
}

// Put implements [End].
func (s *Stream) Put(_ context.Context, data []byte) error {
	if s.Out == nil {
		return nil
	}
	if s.Separator != nil {
		data = append(append(s.separated[:0], data...), s.Separator...)
		s.separated = data
	}
	_, err := s.Out.Write(data)
	return err
}

// Taken implements [End].
func (s *Stream) Taken(ctx context.Context) error {
	conn, ok := s.Out.(interface{ Drain(context.Context) error })
	if !ok {
		return nil
	}
	if err := conn.Drain(ctx); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// EndPut implements [End].
func (s *Stream) EndPut(context.Context) (bool, error) {
	half, ok := s.Out.(interface{ CloseWrite() error })
	if !ok {
		return s.Out == nil, nil
	}
	if err := half.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) { // as named pipes do on Windows
		return true, err
	}
	return false, nil
}

// failed returns an error of Socket in the words of In and Out.
func (s *Stream) failed(op string, err error) error {
	var inNet *net.OpError
	if errors.As(err, &inNet) {
		err = inNet.Err
	}
	if op == breezeway.OpWrite && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)) {
		err = fmt.Errorf("the other side has closed (%w, %w)", io.ErrClosedPipe, err)
	}
	return &breezeway.Error{Op: op, Kind: s.Kind, Name: s.Name, Err: err}
}

// Close implements [End].
func (s *Stream) Close() error { return s.Closer.Close() }
