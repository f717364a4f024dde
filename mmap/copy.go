package mmap

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/breezeway-ipc/breezeway"
)

// ReadAt copies bytes from off on into p, as [io.ReaderAt] says: fewer than
// len(p) come with a bare [io.EOF].
func (m *Mapping) ReadAt(p []byte, off int64) (n int, err error) {
	if m.isZero() {
		return 0, m.fail(breezeway.OpRead, errZero)
	}
	if off < 0 {
		return 0, m.fail(breezeway.OpRead, fmt.Errorf("offset %d is negative (%w)", off, os.ErrInvalid))
	}
	if off >= int64(len(m.b)) {
		if !m.isOpen() {
			return 0, m.fail(breezeway.OpRead, os.ErrClosed)
		}
		return 0, io.EOF
	}
	n, err = m.copyOut(p, int(off))
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// WriteAt copies p to the bytes from off on. If p reaches beyond the mapping, the
// rest is not written and the error is [breezeway.ErrTooLarge]: a mapping doesn't
// grow.
func (m *Mapping) WriteAt(p []byte, off int64) (n int, err error) {
	if m.isZero() {
		return 0, m.fail(breezeway.OpWrite, errZero)
	}
	if off < 0 {
		return 0, m.fail(breezeway.OpWrite, fmt.Errorf("offset %d is negative (%w)", off, os.ErrInvalid))
	}
	if m.readOnly {
		return 0, m.fail(breezeway.OpWrite, m.whyReadOnly())
	}
	n, err = m.copyIn(p, int(min(off, int64(len(m.b)))))
	if err == nil && n < len(p) {
		err = m.fail(breezeway.OpWrite, fmt.Errorf("%d bytes at offset %d reach beyond the capacity of %d; %d were written (%w)",
			len(p), off, len(m.b), n, breezeway.ErrTooLarge))
	}
	return n, err
}

func (m *Mapping) copyOut(p []byte, off int) (n int, err error) {
	if !m.calls.enter() {
		return 0, m.fail(breezeway.OpRead, os.ErrClosed)
	}
	done := false
	defer m.rescueCall(debug.SetPanicOnFault(true), &done, breezeway.OpRead, &err)
	n = copy(p, m.b[off:])
	done = true
	if !m.calls.leave() {
		return 0, m.fail(breezeway.OpRead, os.ErrClosed)
	}
	return n, nil
}

func (m *Mapping) copyIn(p []byte, off int) (n int, err error) {
	if !m.calls.enter() {
		return 0, m.fail(breezeway.OpWrite, os.ErrClosed)
	}
	done := false
	defer m.rescueCall(debug.SetPanicOnFault(true), &done, breezeway.OpWrite, &err)
	n = copy(m.b[off:], p)
	done = true
	if !m.calls.leave() {
		return 0, m.fail(breezeway.OpWrite, os.ErrClosed)
	}
	return n, nil
}
