package frame

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway"
)

// Writer writes messages to a stream. It may be used by many goroutines.
type Writer struct {
	w      io.Writer
	format Format

	mu  sync.Mutex
	buf []byte // a header, and a small message
	err error  // lasting
}

// smallMessage is up to how many bytes a message is written with its header at once.
const smallMessage = 16 << 10

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer, f Format) *Writer { return &Writer{w: w, format: f} }

// Write writes one message. One above the format's limit fails with
// [breezeway.TooLargeError], and nothing is written. After one that an error cut off
// nothing can be written any more.
func (w *Writer) Write(p []byte) error {
	if uint64(len(p)) > w.format.Max {
		return &breezeway.TooLargeError{Size: uint64(len(p)), Max: w.format.Max}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	w.buf = w.format.Append(w.buf[:0], len(p))
	rest := p
	if len(p) <= smallMessage {
		w.buf, rest = append(w.buf, p...), nil
	}
	n, err := w.w.Write(w.buf)
	if err == nil && len(rest) > 0 {
		var m int
		m, err = w.w.Write(rest)
		n += m
	}
	if err != nil && n > 0 {
		w.err = err
		if errors.Is(err, os.ErrDeadlineExceeded) {
			w.err = errCutOff(n)
		}
	}
	return err
}
