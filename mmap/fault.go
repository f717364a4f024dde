package mmap

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"
)

// rescue turns a fault inside the mapping into an error. Defer it directly, with
// what debug.SetPanicOnFault(true) returned:
//
//	defer m.rescue(debug.SetPanicOnFault(true), breezeway.OpRead, &err)
//
// Any other panic goes on. Only the goroutine that deferred it is covered.
func (m *Mapping) rescue(old bool, op string, err *error) {
	debug.SetPanicOnFault(old)
	if r := recover(); r != nil {
		*err = m.fault(r, op)
	}
}

// rescueCall is rescue for an accessor, between enter and leave. done says that
// there is nothing to recover from, which is cheaper to know than to find out.
func (m *Mapping) rescueCall(old bool, done *bool, op string, err *error) {
	debug.SetPanicOnFault(old)
	if *done {
		return
	}
	if r := recover(); r != nil {
		m.calls.leave()
		*err = m.fault(r, op)
	}
}

// fault returns what the recovered panic means, or goes on panicking if it is
// not ours.
func (m *Mapping) fault(r any, op string) error {
	at, ok := m.faultOffset(r)
	if !ok {
		panic(r)
	}
	return m.fail(op, m.explainFault(at))
}

// faultOffset returns where in the mapping the recovered panic says that memory
// was missing.
func (m *Mapping) faultOffset(r any) (at int, ok bool) {
	fault, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok {
		return 0, false
	}
	at = int(fault.Addr() - uintptr(unsafe.Pointer(unsafe.SliceData(m.b))))
	return at, 0 <= at && at < len(m.b)
}

func (m *Mapping) explainFault(at int) error {
	if !m.isOpen() {
		return os.ErrClosed // Close took the memory away
	}
	if m.readOnly && m.readable(at) {
		return fmt.Errorf("byte %d was written to, but the mapping is read-only (%w)", at, os.ErrPermission)
	}
	return fmt.Errorf("byte %d is gone: another process truncated the file, or its storage failed; map it again at the size it has now (%w)",
		at, io.ErrUnexpectedEOF)
}

func (m *Mapping) readable(at int) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { ok = recover() == nil }()
	touch(&m.b[at])
	return true
}

//go:noinline
func touch(p *byte) byte { return *p }
