package pipe

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/breezeway-ipc/breezeway/internal/sys"
	"golang.org/x/sys/windows"
)

// pieces is the size in bytes of the pieces in which a pipe is written in byte mode. The
// system takes such a piece as a whole or, if a deadline ends the wait, not at all. It is
// 0 if no size is sure, because the pipe has no buffer or can't be asked.
//
// A write that has to wait becomes part of the pipe's buffer, and ends, as soon as the
// buffer has room for all of it. By the time that a reader could take its first byte,
// everything before it has been read and the buffer is empty. So a write of what the
// buffer holds is never pending with only a part of it read. A larger one can be, and
// the system doesn't tell how much of it was read when it is cancelled. Half of the
// buffer leaves room for what the system may charge besides the bytes.
type pieces int

// maxPiece bounds what is written with one call: the kernel holds it in memory that
// can't be paged out.
const maxPiece = 1 << 20

func piecesOf(h windows.Handle) pieces {
	info, err := sys.QueryPipe(h)
	if err != nil {
		return 0
	}
	return pieces(min(info.WriteQuota()/2, maxPiece))
}

// whole reports whether a deadline leaves no doubt about what was taken.
func (s pieces) whole() bool { return s > 0 }

// write writes p by calls of write. It returns how many bytes were taken, or at the
// least were, if the pieces are not whole.
func (s pieces) write(p []byte, write func([]byte) (int, error)) (written int, err error) {
	size := int(s)
	if size == 0 {
		size = maxPiece
	}
	for written < len(p) && err == nil {
		var n int
		n, err = write(p[written:][:min(size, len(p)-written)])
		written += n
	}
	return written, err
}

// errCut lasts: what is written next would not follow what was written before.
var errCut = fmt.Errorf("a deadline has cut off an earlier Write, and the system doesn't tell how much of it was taken, since the pipe has no buffer; "+
	"close the pipe, and give it a buffer where it is made (%w)", os.ErrDeadlineExceeded)

// pieceWriter writes to a file that is the writing end of a pipe.
type pieceWriter struct {
	mu     sync.Mutex
	asked  bool
	pieces pieces
	err    error // lasting
}

func (w *pieceWriter) write(f *os.File, p []byte) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, cmp.Or(checkOpen(f), w.err)
	}
	if !w.asked {
		raw, err := f.SyscallConn()
		if err != nil {
			return 0, err
		}
		if err := raw.Control(func(h uintptr) { w.pieces = piecesOf(windows.Handle(h)) }); err != nil {
			return 0, closedFile(err)
		}
		w.asked = true
	}
	n, err = w.pieces.write(p, f.Write)
	if !w.pieces.whole() && errors.Is(err, os.ErrDeadlineExceeded) {
		w.err = errCut
	}
	return n, err
}
