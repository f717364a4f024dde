package mmap

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
)

// Word is a number that the processor reads and writes in one piece.
type Word interface {
	~int32 | ~uint32 | ~int64 | ~uint64
}

// AtomicLoad, [AtomicStore], [AtomicAdd], [AtomicSwap] and [AtomicCompareAndSwap]
// work on the word at byte off as the functions of sync/atomic do, between
// goroutines and processes alike. off must be a multiple of the word's size, or
// they fail with [os.ErrInvalid]. They fail further as [Read] and [Write] do.
//
// View[atomic.Uint64] gives the word itself, which is faster and has none of their
// protection.
func AtomicLoad[T Word](m *Mapping, off int) (v T, err error) {
	err = onWord[T](m, breezeway.OpLoad, off, false, func(p *byte) { v = loadWord[T](p) })
	return v, err
}

// AtomicStore sets the word at byte off. See [AtomicLoad].
func AtomicStore[T Word](m *Mapping, off int, v T) error {
	return onWord[T](m, breezeway.OpStore, off, true, func(p *byte) { swapWord(p, v) })
}

// AtomicAdd adds delta to the word at byte off and returns the sum. See
// [AtomicLoad].
func AtomicAdd[T Word](m *Mapping, off int, delta T) (sum T, err error) {
	err = onWord[T](m, breezeway.OpAdd, off, true, func(p *byte) { sum = addWord(p, delta) })
	return sum, err
}

// AtomicSwap sets the word at byte off and returns what was there. See
// [AtomicLoad].
func AtomicSwap[T Word](m *Mapping, off int, v T) (old T, err error) {
	err = onWord[T](m, breezeway.OpSwap, off, true, func(p *byte) { old = swapWord(p, v) })
	return old, err
}

// AtomicCompareAndSwap sets the word at byte off to v if it is old, and reports
// whether it was. See [AtomicLoad].
func AtomicCompareAndSwap[T Word](m *Mapping, off int, old, v T) (swapped bool, err error) {
	err = onWord[T](m, breezeway.OpCompareAndSwap, off, true, func(p *byte) { swapped = casWord(p, old, v) })
	return swapped, err
}

func onWord[T Word](m *Mapping, op string, off int, writes bool, f func(p *byte)) (err error) {
	if !hasWord[T](m, off) || writes && m.readOnly {
		return m.fail(op, refuseWord[T](m, off))
	}
	if !m.calls.enter() {
		return m.fail(op, os.ErrClosed)
	}
	done := false
	if m.guarded {
		// The race detector performs atomic operations in C, where a fault is not caught.
		if !m.calls.expose() {
			m.calls.leave()
			return m.fail(op, os.ErrClosed)
		}
		defer m.rescueCall(debug.SetPanicOnFault(true), &done, op, &err)
	}
	f(m.at(off))
	done = true
	if !m.calls.leave() {
		return m.fail(op, os.ErrClosed)
	}
	return nil
}

// hasWord reports whether an aligned T begins at byte off.
func hasWord[T Word](m *Mapping, off int) bool {
	size := unsafe.Sizeof(*new(T))
	return m.fits(off, size) && uintptr(unsafe.Pointer(m.at(off)))%size == 0
}

// refuseWord returns why an access is refused: hasWord reports false, or m is read-only.
func refuseWord[T Word](m *Mapping, off int) error {
	err := refuse[T](m, off)
	switch {
	case err != nil:
		return err
	case !m.isOpen():
		return os.ErrClosed
	case !hasWord[T](m, off):
		size := unsafe.Sizeof(*new(T))
		return fmt.Errorf("offset %d is not aligned: a word of %d bytes needs a multiple of it (%w)", off, size, os.ErrInvalid)
	}
	return errReadOnly
}

func loadWord[T Word](p *byte) T {
	if unsafe.Sizeof(*new(T)) == 4 {
		return T(atomic.LoadUint32((*uint32)(unsafe.Pointer(p))))
	}
	return T(atomic.LoadUint64((*uint64)(unsafe.Pointer(p))))
}

func swapWord[T Word](p *byte, v T) T {
	if unsafe.Sizeof(v) == 4 {
		return T(atomic.SwapUint32((*uint32)(unsafe.Pointer(p)), uint32(v)))
	}
	return T(atomic.SwapUint64((*uint64)(unsafe.Pointer(p)), uint64(v)))
}

func addWord[T Word](p *byte, delta T) T {
	if unsafe.Sizeof(delta) == 4 {
		return T(atomic.AddUint32((*uint32)(unsafe.Pointer(p)), uint32(delta)))
	}
	return T(atomic.AddUint64((*uint64)(unsafe.Pointer(p)), uint64(delta)))
}

func casWord[T Word](p *byte, old, v T) bool {
	if unsafe.Sizeof(v) == 4 {
		return atomic.CompareAndSwapUint32((*uint32)(unsafe.Pointer(p)), uint32(old), uint32(v))
	}
	return atomic.CompareAndSwapUint64((*uint64)(unsafe.Pointer(p)), uint64(old), uint64(v))
}
