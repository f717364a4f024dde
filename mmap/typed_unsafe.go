package mmap

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/plain"
)

// The conversions in this file are sound because T was checked to hold no
// pointers and no values that Go forbids (plain.Check); the range was checked to
// lie within m.b, which stays mapped as long as m is reachable; and a pointer
// that the caller sees is aligned for T.

// View returns a pointer to the T that begins at byte off. It is bounds-checked
// here, once; then it costs nothing. It fails with [os.ErrInvalid] unless off is a
// multiple of T's alignment, beyond the mapping's end, and for a T that can't be
// shared (see the package's overview). Counters are shared by a T such as
// atomic.Uint64.
//
// The pointer is like the slice of [Mapping.Bytes]: undefined after Close, and
// not protected against truncation except inside [Mapping.Borrow].
func View[T any](m *Mapping, off int) (*T, error) {
	s, err := slice[T](m, breezeway.OpView, off, 1)
	if err != nil {
		return nil, err
	}
	return &s[0], nil
}

// Slice returns the n values of type T that begin at byte off, in place, as [View]
// returns one. n may be 0, also at the mapping's end.
func Slice[T any](m *Mapping, off, n int) ([]T, error) {
	return slice[T](m, breezeway.OpSlice, off, n)
}

func slice[T any](m *Mapping, op string, off, n int) ([]T, error) {
	if err := plain.Check(reflect.TypeFor[T]()); err != nil {
		return nil, m.fail(op, err)
	}
	if err := m.expose(); err != nil {
		return nil, m.fail(op, err)
	}
	size, align := unsafe.Sizeof(*new(T)), unsafe.Alignof(*new(T)) // of no value: T may be large
	if off < 0 || n < 0 || off > len(m.b) || n > (len(m.b)-off)/int(size) {
		return nil, m.fail(op, fmt.Errorf("%d values of %d bytes from offset %d on reach beyond the mapping's %d bytes (%w)",
			n, size, off, len(m.b), os.ErrInvalid))
	}
	if n == 0 {
		return []T{}, nil
	}
	p := unsafe.Pointer(m.at(off))
	if uintptr(p)%align != 0 {
		return nil, m.fail(op, fmt.Errorf("offset %d is not aligned for %v, which needs a multiple of %d; use Read and Write (%w)",
			off, reflect.TypeFor[T](), align, os.ErrInvalid))
	}
	return unsafe.Slice((*T)(p), n), nil
}

// Read returns the T at byte off, which needs no alignment. The value is copied:
// another process may be writing it meanwhile, in which case its parts may be of
// different times.
//
// It fails with [os.ErrInvalid] beyond the mapping's end and for a T that can't
// be shared (see the package's overview), and as stated at [Mapping].
func Read[T any](m *Mapping, off int) (v T, err error) {
	if !m.fits(off, unsafe.Sizeof(v)) || !isChecked[T]() {
		return readFirst[T](m, off)
	}
	if m.guarded {
		return readGuarded[T](m, off)
	}
	if m.calls.enter() {
		load(&v, m.at(off))
		if m.calls.leave() {
			return v, nil
		}
	}
	return *new(T), m.fail(breezeway.OpRead, os.ErrClosed)
}

// readFirst is Read where something may be wrong, or T is new.
func readFirst[T any](m *Mapping, off int) (v T, err error) {
	if err := refuse[T](m, off); err != nil {
		return v, m.fail(breezeway.OpRead, err)
	}
	return readGuarded[T](m, off)
}

func readGuarded[T any](m *Mapping, off int) (v T, err error) {
	if !m.calls.enter() {
		return v, m.fail(breezeway.OpRead, os.ErrClosed)
	}
	done := false
	defer m.rescueCall(debug.SetPanicOnFault(true), &done, breezeway.OpRead, &err)
	load(&v, m.at(off))
	done = true
	if !m.calls.leave() {
		return *new(T), m.fail(breezeway.OpRead, os.ErrClosed)
	}
	return v, nil
}

// Write sets the T at byte off, which needs no alignment. Another process that
// reads it meanwhile may see part of the old and part of the new value.
//
// It fails as [Read] does, and with [os.ErrPermission] on a read-only mapping.
func Write[T any](m *Mapping, off int, v T) error {
	if !m.fits(off, unsafe.Sizeof(v)) || m.readOnly || !isChecked[T]() {
		return writeFirst(m, off, v)
	}
	if m.guarded {
		return writeGuarded(m, off, v)
	}
	if m.calls.enter() {
		store(m.at(off), v)
		if m.calls.leave() {
			return nil
		}
	}
	return m.fail(breezeway.OpWrite, os.ErrClosed)
}

// writeFirst is Write where something may be wrong, or T is new.
func writeFirst[T any](m *Mapping, off int, v T) (err error) {
	if err := refuse[T](m, off); err != nil {
		return m.fail(breezeway.OpWrite, err)
	}
	if m.readOnly {
		return m.fail(breezeway.OpWrite, m.whyReadOnly())
	}
	return writeGuarded(m, off, v)
}

func writeGuarded[T any](m *Mapping, off int, v T) (err error) {
	if !m.calls.enter() {
		return m.fail(breezeway.OpWrite, os.ErrClosed)
	}
	done := false
	defer m.rescueCall(debug.SetPanicOnFault(true), &done, breezeway.OpWrite, &err)
	store(m.at(off), v)
	done = true
	if !m.calls.leave() {
		return m.fail(breezeway.OpWrite, os.ErrClosed)
	}
	return nil
}

// whyReadOnly returns why a write to a read-only mapping is refused.
func (m *Mapping) whyReadOnly() error {
	if !m.isOpen() {
		return os.ErrClosed
	}
	return errReadOnly
}

var errReadOnly = fail.Errorf("the mapping is read-only; map the file without %s (%w)", fail.Go("Config.ReadOnly"), os.ErrPermission)

// fits reports whether size bytes from off on lie within the mapping, which may be
// nil.
func (m *Mapping) fits(off int, size uintptr) bool {
	return m != nil && uint(off) <= uint(len(m.b)) && size <= uintptr(len(m.b)-off)
}

// at returns where byte off is.
//
// Preconditions:
//   - off is less than m.Len(), or what is touched there has no bytes.
func (m *Mapping) at(off int) *byte {
	return (*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(m.b)), off))
}

// refuse returns why an access is refused, or nil if it need not be.
func refuse[T any](m *Mapping, off int) error {
	if isChecked[T]() && m.fits(off, unsafe.Sizeof(*new(T))) {
		return nil
	}
	if err := plain.Check(reflect.TypeFor[T]()); err != nil {
		return err
	}
	id := typeID((*T)(nil))
	recent[typeHash(id)].Store(id)
	if err := m.whyUnusable(); err != nil {
		return err
	}
	return m.check(off, int(unsafe.Sizeof(*new(T))))
}

// anyAlignment says that the processor reads and writes at any address, with the
// code that the compiler makes for aligned values.
const anyAlignment = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// load copies a T from memory of any alignment.
func load[T any](v *T, p *byte) {
	if anyAlignment || uintptr(unsafe.Pointer(p))%unsafe.Alignof(*v) == 0 {
		*v = *(*T)(unsafe.Pointer(p))
		return
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)), unsafe.Slice(p, unsafe.Sizeof(*v)))
}

// store copies a T to memory of any alignment.
func store[T any](p *byte, v T) {
	if anyAlignment || uintptr(unsafe.Pointer(p))%unsafe.Alignof(v) == 0 {
		*(*T)(unsafe.Pointer(p)) = v
		return
	}
	copy(unsafe.Slice(p, unsafe.Sizeof(v)), unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v)))
}

// recent holds the identities of pointer types *T for which T passed plain.Check,
// by their hash. Two types with the same hash displace each other, which costs
// time only. A type's identity is the address of its descriptor, and those of
// types in the program's text are never freed.
var recent [256]atomic.Uintptr

func isChecked[T any]() bool {
	id := typeID((*T)(nil))
	return recent[typeHash(id)].Load() == id
}

func typeHash(id uintptr) uint8 { return uint8(id>>5 ^ id>>13) }

// typeID returns the first word of an interface value, which identifies its
// dynamic type.
func typeID(v any) uintptr { return (*[2]uintptr)(unsafe.Pointer(&v))[0] }
