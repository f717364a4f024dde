package python

import (
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"slices"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/internal/plain"
	"github.com/breezeway-ipc/breezeway/mmap"
	"github.com/breezeway-ipc/breezeway/shm"
)

// Array is an array of numbers, or of structs of numbers, in a segment that begins
// with the header of a .npy file: Python reads it with numpy.lib.format over the
// buffer of a SharedMemory, and this type reads what numpy writes there.
// docs/interop.md shows how.
//
// The elements are in C's order, the last index running fastest. A struct is a
// structured dtype with align=True; its fields have their Go names, or those of a
// tag such as `npy:"x"`.
//
// All methods may be called concurrently; which goroutine or process writes an element
// that another one reads is up to the callers. On a nil or zero Array methods fail with
// [os.ErrInvalid].
type Array[T any] struct {
	seg   *shm.Segment
	shape []int
	data  []T
}

// CreateArray makes the segment name with an array of zeros. A shape without
// dimensions is a single element. It fails as [shm.Create] does, with [os.ErrInvalid]
// for a T that can't be shared, that numpy has no type for, or that has field names
// outside ASCII, and with [errors.ErrUnsupported] on a big-endian machine.
func CreateArray[T any](name string, shape []int, cfg *shm.Config) (*Array[T], error) {
	a, err := createArray[T](name, shape, cfg)
	if err != nil {
		return nil, fail.With(breezeway.OpCreate, kindArray, name, err)
	}
	return a, nil
}

func createArray[T any](name string, shape []int, cfg *shm.Config) (*Array[T], error) {
	descr, err := describeElement[T]()
	if err != nil {
		return nil, err
	}
	if err := checkNames(descr); err != nil {
		return nil, err
	}
	size := unsafe.Sizeof(*new(T))
	n, ok := elements(shape, size)
	if !ok {
		return nil, fmt.Errorf("no array has the shape %s (%w)", pyTuple(shape), os.ErrInvalid)
	}
	header := encodeNpy(descr, shape)
	seg, err := createFilled(name, int64(len(header))+int64(n)*int64(size), cfg, func(b []byte) error {
		// Its beginning last, for processes that look before it is complete (Windows).
		copy(b[len(npyMagic):], header[len(npyMagic):])
		copy(b, header[:len(npyMagic)])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newArray[T](seg, len(header), n, shape)
}

// OpenArray opens the array in the segment name. One with elements of another
// type, or of another shape, fails with [breezeway.ErrMismatch], and the error
// spells both out; a nil shape is any. A segment that holds no array, or less than
// the array's header says, or elements that are not aligned as Go's are, fails with
// [breezeway.ErrMismatch] too. It fails further as [shm.Open] does, and with
// [errors.ErrUnsupported] on a big-endian machine.
func OpenArray[T any](name string, shape []int, cfg *shm.Config) (*Array[T], error) {
	a, err := openArray[T](name, shape, cfg)
	if err != nil {
		return nil, fail.With(breezeway.OpOpen, kindArray, name, err)
	}
	return a, nil
}

func openArray[T any](name string, shape []int, cfg *shm.Config) (*Array[T], error) {
	descr, err := describeElement[T]()
	if err != nil {
		return nil, err
	}
	seg, err := shm.Open(name, cfg)
	if err != nil {
		return nil, err
	}
	h, n, err := readHeader(seg, descr, shape, reflect.TypeFor[T]())
	if err != nil {
		seg.Close()
		return nil, err
	}
	return newArray[T](seg, h.size, n, h.shape)
}

// readHeader returns the header of the array in seg and how many elements it has, if
// it is an array of t, as descr and shape say.
func readHeader(seg *shm.Segment, descr string, shape []int, t reflect.Type) (*npyHeader, int, error) {
	h, err := decodeNpy(seg)
	if err != nil {
		return nil, 0, err
	}
	if err := h.check(descr, shape); err != nil {
		return nil, 0, err
	}
	n, ok := elements(h.shape, t.Size())
	if !ok || n > (seg.Len()-h.size)/int(t.Size()) {
		return nil, 0, fmt.Errorf("an array of dtype %s and shape %s does not fit in its %d bytes (%w)", descr, pyTuple(h.shape), seg.Len(), breezeway.ErrMismatch)
	}
	if n > 0 && h.size%t.Align() != 0 {
		return nil, 0, fmt.Errorf("its elements begin at byte %d, which is not aligned to the %d bytes that %v needs; numpy from 1.14 on aligns them (%w)",
			h.size, t.Align(), t, breezeway.ErrMismatch)
	}
	return h, n, nil
}

// newArray returns the array in seg, which belongs to it from now on.
func newArray[T any](seg *shm.Segment, start, n int, shape []int) (*Array[T], error) {
	data, err := mmap.Slice[T](seg.Mapping, start, n)
	if err != nil {
		seg.Close()
		return nil, err
	}
	return &Array[T]{seg, slices.Clone(shape), data}, nil
}

func describeElement[T any]() (string, error) {
	t := reflect.TypeFor[T]()
	if err := plain.Check(t); err != nil {
		return "", err
	}
	if err := checkByteOrder(binary.NativeEndian); err != nil {
		return "", err
	}
	return npyType(t)
}

func (a *Array[T]) isZero() bool { return a == nil || a.seg == nil }

// Segment returns the segment that the array is in.
func (a *Array[T]) Segment() *shm.Segment {
	if a == nil {
		return nil
	}
	return a.seg
}

// Shape returns how many elements each dimension has.
func (a *Array[T]) Shape() []int {
	if a == nil {
		return nil
	}
	return slices.Clone(a.shape)
}

// Data returns the elements themselves, in shared memory. They are not to be used
// after Close, and writing to them crashes the process if they are read-only.
func (a *Array[T]) Data() []T {
	if a == nil {
		return nil
	}
	return a.data
}

// Borrow calls f with the elements and returns f's error. Close waits for it, and
// within f a fault in the memory is an error; see [mmap.Mapping.Borrow].
func (a *Array[T]) Borrow(f func(data []T) error) error {
	if a.isZero() {
		return fail.With(breezeway.OpBorrow, kindArray, "", errNoArray)
	}
	return a.seg.Borrow(func([]byte) error { return f(a.data) })
}

// Close closes the segment, which stays; see [shm.Segment.Close].
func (a *Array[T]) Close() error {
	if a.isZero() {
		return fail.With(breezeway.OpClose, kindArray, "", errNoArray)
	}
	return a.seg.Close()
}

var errNoArray = fmt.Errorf("there is no array; make it with python.CreateArray or python.OpenArray (%w)", os.ErrInvalid)
