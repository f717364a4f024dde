package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/breezeway-ipc/breezeway"
)

// What parent and worker say on their connection are frames. At any time at most one
// call is under way, so that a small frame arrives with one Read. Numbers are
// little-endian:
//
//	bytes 0..3   length of the body
//	bytes 4..5   call: index of the function, and batchBit; answer: a status
//	bytes 6..7   number of the call, its low bits
//	bytes 8..    body, and zeros up to a multiple of lineSize
//
// So a frame begins with a cache line, and one with a small body fills no second one, which
// would have to get from one processor to the other too. The first frame is the worker's
// greeting, with status statusHello.
const (
	headerSize = 8
	lineSize   = 64
	maxBody    = 1 << 30

	batchBit      = 1 << 15 // the body is a batch
	mostFunctions = batchBit
)

// The statuses of answers.
const (
	statusHello   = iota
	statusDone    // the body is the result
	statusFailed  // the body is the function's error
	statusRefused // the function was not called, or its result can't be encoded; the body says why
	statusGone    // the function called runtime.Goexit
)

// header is the beginning of a frame.
type header struct {
	size uint32
	what uint16
	call uint16
}

// padding has the zeros at the end of frames.
var padding [lineSize]byte

// padTo returns how many zeros follow n bytes.
func padTo(n int) int { return -n & (lineSize - 1) }

// finishFrame completes a frame whose first headerSize bytes are free, and whose body has
// so many bytes more. If it has none the zeros at the end are appended.
func finishFrame(frame []byte, more int, what uint16, call uint64) ([]byte, error) {
	size := len(frame) - headerSize + more
	if size > maxBody {
		return frame, &breezeway.TooLargeError{Size: uint64(size), Max: maxBody}
	}
	binary.LittleEndian.PutUint32(frame, uint32(size))
	binary.LittleEndian.PutUint16(frame[4:], what)
	binary.LittleEndian.PutUint16(frame[6:], uint16(call))
	if more == 0 {
		frame = append(frame, padding[:padTo(len(frame))]...)
	}
	return frame, nil
}

// frames reads frames from a connection. An error that is a deadline's costs nothing:
// the next call goes on.
type frames struct {
	r   io.Reader
	buf []byte
	n   int // bytes of buf that have arrived
}

// smallFrame is the size of the buffer that is kept between frames.
const smallFrame = 64 << 10

// next returns the next frame. Its body is valid until the next call.
//
// Memory grows with what has arrived, not with what was announced.
func (f *frames) next() (h header, body []byte, err error) {
	if f.buf == nil {
		f.buf = make([]byte, smallFrame)
	}
	for {
		if f.n >= headerSize {
			h = header{binary.LittleEndian.Uint32(f.buf), binary.LittleEndian.Uint16(f.buf[4:]), binary.LittleEndian.Uint16(f.buf[6:])}
			if h.size > maxBody {
				return h, nil, &breezeway.TooLargeError{Size: uint64(h.size), Max: maxBody}
			}
			body := headerSize + int(h.size)
			switch whole := body + padTo(body); {
			case f.n == whole:
				f.n = 0
				return h, f.buf[headerSize:body], nil
			case f.n > whole:
				return h, nil, fmt.Errorf("there are %d bytes after a frame, and none may be (%w)", f.n-whole, breezeway.ErrMismatch)
			case whole > len(f.buf) && f.n == len(f.buf):
				f.buf = append(f.buf, make([]byte, min(whole-len(f.buf), len(f.buf)))...)
			}
		}
		n, err := f.r.Read(f.buf[f.n:])
		f.n += n
		if err == io.EOF && f.n > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return h, nil, err
		}
	}
}

// shrink gives the memory of a large frame back.
func (f *frames) shrink() {
	if len(f.buf) > 16*smallFrame && f.n == 0 {
		f.buf = nil
	}
}

// A command is what the parent says beside the calls, while one is under way:
//
//	bytes 0..7   what
//	bytes 8..15  number of the call, or of the buffer
const commandSize = 16

const (
	commandCancel = 1 + iota // a call: its context was cancelled
	commandExpire            // a call: its time is over
	commandForget            // a buffer: it was closed
	commandRetire            // the process: end after the present call
)

func encodeCommand(what, arg uint64) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, commandSize), what)
	return binary.LittleEndian.AppendUint64(b, arg)
}

// errGarbled means that the other side doesn't keep to the protocol.
func errGarbled(what string) error {
	return fmt.Errorf("%s (%w)", what, breezeway.ErrMismatch)
}

// isDeadline reports whether a read or write was interrupted.
func isDeadline(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
