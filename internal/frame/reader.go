package frame

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/breezeway-ipc/breezeway"
)

// Reader reads messages from a stream. One goroutine uses it at a time.
//
// Memory grows with what has arrived, not with what was announced. A deadline costs
// nothing: the next call goes on.
type Reader struct {
	in     *bufio.Reader
	format Format
	max    uint64

	inside bool
	left   uint64 // of the present message
	begun  []byte // of it: what Next had when its time was over
	err    error  // lasting
}

// bufferSize lets many small messages arrive with one system call.
const bufferSize = 32 << 10

// NewReader returns a Reader of messages of at most max bytes.
func NewReader(r io.Reader, f Format, max uint64) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, bufferSize), format: f, max: min(max, f.Max)}
}

// SetMax changes the limit for the messages whose header was not read yet.
func (r *Reader) SetMax(max uint64) { r.max = min(max, r.format.Max) }

// Full reads exactly len(p) bytes that are not a message.
func (r *Reader) Full(p []byte) error {
	_, err := io.ReadFull(r.in, p)
	return err
}

// Next appends the next message to buf. It fails with [io.EOF] where the stream ends
// between messages, with [io.ErrUnexpectedEOF] where it ends in one, and with
// [breezeway.TooLargeError]; then nothing can be read any more. With another error, such
// as a deadline's, buf is as it was, and the next call goes on.
func (r *Reader) Next(buf []byte) ([]byte, error) {
	if r.err != nil {
		return buf, r.err
	}
	message, err := r.next(buf)
	switch {
	case err == nil:
		return message, nil
	case err == io.EOF, err == io.ErrUnexpectedEOF, errors.Is(err, breezeway.ErrTooLarge), errors.Is(err, breezeway.ErrMismatch):
		r.err = err
	case len(message) > len(buf):
		r.begun = slices.Clone(message[len(buf):])
	}
	return buf, err
}

func (r *Reader) next(buf []byte) ([]byte, error) {
	if !r.inside {
		if err := r.header(); err != nil {
			return buf, err
		}
	}
	start := len(buf)
	buf = append(buf, r.begun...)
	r.begun = nil
	for r.left > 0 {
		// At first one buffer, then as much again as has arrived.
		step := min(r.left, uint64(max(bufferSize, len(buf)-start)))
		buf = slices.Grow(buf, int(step))
		n, err := r.in.Read(buf[len(buf) : len(buf)+int(step)])
		buf = buf[:len(buf)+n]
		r.left -= uint64(n)
		if err != nil {
			return buf, cut(err, 1)
		}
	}
	r.inside = false
	return buf, nil
}

// header takes the header of the next message when all of it has arrived.
func (r *Reader) header() error {
	head, err := r.in.Peek(r.format.First)
	if err != nil {
		return cut(err, len(head))
	}
	size, need := r.format.Parse(head)
	if need > len(head) {
		if head, err = r.in.Peek(need); err != nil {
			return cut(err, len(head))
		}
		size, _ = r.format.Parse(head)
	}
	if size > r.max {
		return &breezeway.TooLargeError{Size: size, Max: r.max}
	}
	r.in.Discard(len(head))
	r.inside, r.left = true, size
	return nil
}

// cut makes the end of the stream an error if some of a unit had arrived.
func cut(err error, arrived int) error {
	if err == io.EOF && arrived > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// errCutOff is what a Writer fails with after a message that a deadline cut off.
func errCutOff(n int) error {
	return fmt.Errorf("an earlier message was cut off after %d bytes, so nothing can follow it; close the connection (%w)", n, os.ErrDeadlineExceeded)
}
