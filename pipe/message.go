//go:build unix

package pipe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// Message mode over a byte stream (docs/formats.md): each direction that
// carries messages starts with the preface; each message is its length as an
// unsigned 32-bit little-endian number, then its bytes.
//
// The preface's first byte is not ASCII and CR LF and ^Z are in it, as in PNG,
// so that neither text nor a stream that was converted passes for it. Its last
// byte is the version.
var preface = [8]byte{0x89, 'B', 'W', 'M', '\r', '\n', 0x1a, 1}

const headerSize = 4

// frames reads and writes messages on a stream. One goroutine reads at a time.
type frames struct {
	conn io.ReadWriter
	max  int

	in      *bufio.Reader
	seen    int   // so many bytes of the preface have been read
	inside  bool  // a message has begun and not ended
	left    int   // of that message
	readErr error // lasting

	writing  sync.Mutex
	prefaced bool // the preface has been written
	head     [len(preface) + headerSize]byte
	parts    [2][]byte
	vector   net.Buffers // over parts; a field, because a local one would be allocated
	writeErr error       // lasting
}

func newFrames(conn io.ReadWriter, max int) *frames { return &frames{conn: conn, max: max} }

// peeker is a connection that can tell what has arrived without taking it.
type peeker interface {
	// peek waits for bytes and returns up to n of them, or [io.EOF].
	peek(n int) ([]byte, error)
}

// buffered returns how many bytes were taken that Read has not returned yet.
func (f *frames) buffered() int {
	if f == nil || f.in == nil {
		return 0
	}
	return f.in.Buffered()
}

// bufferSize lets many small messages arrive with one system call.
const bufferSize = 32 << 10

// Read keeps its place when a deadline ends it, so the next call goes on.
func (f *frames) Read(p []byte) (int, error) {
	if f.readErr != nil {
		return 0, f.readErr
	}
	if f.in == nil {
		f.in = bufio.NewReaderSize(f.conn, bufferSize)
	}
	n, err := f.read(p)
	if errors.Is(err, breezeway.ErrMismatch) || errors.Is(err, breezeway.ErrTooLarge) || err == io.ErrUnexpectedEOF {
		f.readErr = err
	}
	return n, err
}

func (f *frames) read(p []byte) (n int, err error) {
	if f.seen < len(preface) {
		if err := f.readPreface(); err != nil {
			return 0, err
		}
	}
	if !f.inside {
		if err := f.readHeader(); err != nil {
			return 0, err
		}
	}
	want := min(len(p), f.left)
	for n < want {
		m, err := f.in.Read(p[n:want])
		n += m
		f.left -= m
		if err == io.EOF {
			return n, io.ErrUnexpectedEOF
		}
		if err != nil {
			return n, err
		}
	}
	if f.left > 0 {
		return n, ErrMoreData
	}
	f.inside = false
	return n, nil
}

// readPreface compares as the bytes come: a peer in byte mode may send three
// and wait for the answer. From a peeker it takes only what a preface has: what was
// meant otherwise stays unread, and so counts as lost for the peer.
func (f *frames) readPreface() error {
	for f.seen < len(preface) {
		rest := preface[f.seen:]
		got, err := f.peek(len(rest))
		switch {
		case err != nil:
			return cut(err, f.seen)
		case len(got) == len(rest) && bytes.HasPrefix(got, rest[:len(rest)-1]) && got[len(got)-1] != rest[len(rest)-1]:
			return fmt.Errorf("the other side speaks version %d of message mode, this one version %d (%w)",
				got[len(got)-1], preface[len(preface)-1], breezeway.ErrMismatch)
		case !bytes.HasPrefix(rest, got):
			return errBytePeer
		}
		if err := f.skip(len(got)); err != nil {
			return err
		}
		f.seen += len(got)
	}
	return nil
}

// peek waits for bytes and returns up to n of them, which stay.
func (f *frames) peek(n int) ([]byte, error) {
	if c, ok := f.conn.(peeker); ok && f.in.Buffered() == 0 {
		return c.peek(n)
	}
	if _, err := f.in.Peek(1); err != nil {
		return nil, err
	}
	return f.in.Peek(min(n, f.in.Buffered()))
}

// skip takes n bytes that peek returned. Before the preface is complete it takes
// nothing that came after them.
func (f *frames) skip(n int) error {
	if f.in.Buffered() == 0 && f.seen+n < len(preface) {
		_, err := io.CopyN(io.Discard, f.conn, int64(n))
		return err
	}
	_, err := f.in.Discard(n)
	return err
}

var errBytePeer = fail.Errorf("the other side is not in message mode; both ends must set %s, or neither (%w)", fail.Go("Config.Message"), breezeway.ErrMismatch)

func (f *frames) readHeader() error {
	head, err := f.in.Peek(headerSize)
	if err != nil {
		return cut(err, len(head))
	}
	size := binary.LittleEndian.Uint32(head)
	if uint64(size) > uint64(f.max) {
		return fmt.Errorf("the other side announces a message of %d bytes, %s is %d (%w)", size, fail.Go("Config.MaxMessage"), f.max, breezeway.ErrTooLarge)
	}
	f.in.Discard(headerSize)
	f.inside, f.left = true, int(size)
	return nil
}

// cut makes the end of the stream an error if some of a unit had arrived.
func cut(err error, arrived int) error {
	if err == io.EOF && arrived > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (f *frames) Write(p []byte) (int, error) {
	if len(p) > f.max {
		return 0, fmt.Errorf("the message has %d bytes, %s is %d; nothing was sent (%w)", len(p), fail.Go("Config.MaxMessage"), f.max, breezeway.ErrTooLarge)
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	if f.writeErr != nil {
		return 0, f.writeErr
	}
	head := append(f.head[:0], preface[:]...)
	if f.prefaced {
		head = head[:0]
	}
	head = binary.LittleEndian.AppendUint32(head, uint32(len(p)))
	f.parts = [2][]byte{head, p}
	f.vector = f.parts[:]
	n, err := f.vector.WriteTo(f.conn) // one writev on a socket
	f.parts = [2][]byte{}
	if err == nil {
		f.prefaced = true
		return len(p), nil
	}
	if n > 0 {
		f.writeErr = fmt.Errorf("an earlier message was cut off after %d bytes, so nothing can follow it; close the pipe (%w)", n, os.ErrDeadlineExceeded)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			f.writeErr = err
		}
	}
	return max(0, int(n)-len(head)), err
}
