package pipe

import (
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// New returns a one-way pipe: what is written to w is read from r. The caller
// closes both. Of cfg it uses BufferSize and Direction.
//
// Direction says which end this process keeps: with Duplex, the zero value,
// both; with In, r; with Out, w. The end it doesn't keep is for a child (see
// [Inherit]). An end that is kept has deadlines. On Windows the other end has
// none there, so that programs in any language can use it as they use their
// standard input; elsewhere all ends are alike.
//
// Neither end is inherited by children unless Inherit says so. Reading ends
// with [io.EOF] when all copies of w are closed, and writing fails when all
// copies of r are, with EPIPE or what Windows has for it. On Windows an empty
// Write wakes the reader with [io.EOF], which no program expects, and a Write that a
// deadline cuts off reports less than was taken if p is larger than BufferSize.
//
// BufferSize is heeded on Linux, where it is rounded up to a power of two
// pages, and an unprivileged process that asks for more than
// /proc/sys/fs/pipe-max-size gets [os.ErrPermission]; and on Windows. The
// default is 64 KiB.
func New(cfg *Config) (r, w *os.File, err error) {
	s, err := cfg.settings()
	if err == nil {
		r, w, err = newPipe(&s)
	}
	if err != nil {
		return nil, nil, fail.With(breezeway.OpNew, kindPipe, "", err)
	}
	return r, w, nil
}
