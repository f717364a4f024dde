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
	opened  bool  // the preface has been read
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
	if !f.opened {
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
// and wait for the answer.
func (f *frames) readPreface() error {
	for want := 1; ; want++ {
		got, err := f.in.Peek(want)
		got, _ = f.in.Peek(min(max(len(got), f.in.Buffered()), len(preface)))
		if !bytes.HasPrefix(preface[:], got) {
			if len(got) == len(preface) && bytes.HasPrefix(got, preface[:len(preface)-1]) {
				return fmt.Errorf("the other side speaks version %d of message mode, this one version %d (%w)",
					got[len(got)-1], preface[len(preface)-1], breezeway.ErrMismatch)
			}
			return errBytePeer
		}
		if len(got) == len(preface) {
			f.in.Discard(len(preface))
			f.opened = true
			return nil
		}
		if err != nil {
			return cut(err, len(got))
		}
		want = len(got)
	}
}

var errBytePeer = fmt.Errorf("the other side is not in message mode; both ends must set Config.Message, or neither (%w)", breezeway.ErrMismatch)

func (f *frames) readHeader() error {
	head, err := f.in.Peek(headerSize)
	if err != nil {
		return cut(err, len(head))
	}
	size := binary.LittleEndian.Uint32(head)
	if uint64(size) > uint64(f.max) {
		return fmt.Errorf("the other side announces a message of %d bytes, Config.MaxMessage is %d (%w)", size, f.max, breezeway.ErrTooLarge)
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
		return 0, fmt.Errorf("the message has %d bytes, Config.MaxMessage is %d; nothing was sent (%w)", len(p), f.max, breezeway.ErrTooLarge)
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
