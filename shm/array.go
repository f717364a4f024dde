package shm

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Array is an array of numbers, or of structs of numbers, in a segment that begins
// with the header of a .npy file: Python reads it with numpy.lib.format over the
// buffer of a SharedMemory, and what numpy writes there this type reads.
// docs/interop.md shows how.
//
// The elements are in C's order, the last index running fastest. A struct is a
// structured dtype with align=True; its fields have their Go names, or those of a
// tag such as `npy:"x"`.
type Array[T any] struct {
	seg   *Segment
	shape []int
	data  []T
}

// CreateArray makes the segment name with an array of zeros. A shape without
// dimensions is a single element. It fails as [Create] does, and with
// [os.ErrInvalid] for a T that can't be shared or that numpy has no type for.
func CreateArray[T any](name string, shape []int, cfg *Config) (*Array[T], error) {
	const op = "create array"
	descr, err := describeElement[T]()
	if err != nil {
		return nil, failed(op, name, err)
	}
	size := unsafe.Sizeof(*new(T))
	n, ok := elements(shape, size)
	if !ok {
		return nil, failed(op, name, fmt.Errorf("no array has the shape %s (%w)", pyTuple(shape), os.ErrInvalid))
	}
	header := encodeNpy(descr, shape)
	seg, err := createFilled(op, name, int64(len(header))+int64(n)*int64(size), cfg, func(m *mmap.Mapping) error {
		// Its beginning last, for those who look before it is complete (Windows).
		if _, err := m.WriteAt(header[len(npyMagic):], int64(len(npyMagic))); err != nil {
			return err
		}
		_, err := m.WriteAt(header[:len(npyMagic)], 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	return newArray[T](op, seg, len(header), n, shape)
}

// OpenArray opens the array in the segment name. One with elements of another
// type, or of another shape, fails with [breezeway.ErrMismatch], and the error
// spells both out; a nil shape is any. What is no array, or is longer than its
// segment, fails with [breezeway.ErrMismatch] too. It fails further as [Open]
// does.
func OpenArray[T any](name string, shape []int, cfg *Config) (*Array[T], error) {
	const op = "open array"
	descr, err := describeElement[T]()
	if err != nil {
		return nil, failed(op, name, err)
	}
	seg, err := Open(name, cfg)
	if err != nil {
		return nil, err
	}
	h, err := decodeNpy(seg)
	if err == nil {
		err = h.check(descr, shape)
	}
	if err != nil {
		seg.Close()
		return nil, failed(op, name, err)
	}
	size := unsafe.Sizeof(*new(T))
	n, ok := elements(h.shape, size)
	if !ok || n > (seg.Len()-h.size)/int(size) {
		seg.Close()
		return nil, failed(op, name, fmt.Errorf("an array of dtype %s and shape %s does not fit in its %d bytes (%w)", descr, pyTuple(h.shape), seg.Len(), breezeway.ErrMismatch))
	}
	return newArray[T](op, seg, h.size, n, h.shape)
}

func newArray[T any](op string, seg *Segment, start, n int, shape []int) (*Array[T], error) {
	data, err := mmap.Slice[T](seg.Mapping, start, n)
	if err != nil {
		seg.Close()
		return nil, failed(op, seg.name, err)
	}
	return &Array[T]{seg, slices.Clone(shape), data}, nil
}

func describeElement[T any]() (string, error) {
	t := reflect.TypeFor[T]()
	if err := mmap.CheckType(t); err != nil {
		return "", err
	}
	return npyType(t)
}

// Segment returns the segment that the array is in.
func (a *Array[T]) Segment() *Segment { return a.seg }

// Shape returns how many elements each dimension has.
func (a *Array[T]) Shape() []int { return slices.Clone(a.shape) }

// Data returns the elements themselves, in shared memory. They are not to be used
// after Close, and writing to them crashes the process if they are read-only.
func (a *Array[T]) Data() []T { return a.data }

// Borrow calls f with the elements and returns f's error. Close waits for it, and
// within f a fault in the memory is an error; see [mmap.Mapping.Borrow].
func (a *Array[T]) Borrow(f func(data []T) error) error {
	return a.seg.Borrow(func([]byte) error { return f(a.data) })
}

// Close closes the segment, which stays; see [Segment.Close].
func (a *Array[T]) Close() error { return a.seg.Close() }
