package mq

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/plain"
)

// Raw is the codec that sends a value as it lies in memory: as C programs send structs.
// T has no pointers, no strings and no bools; the overview of package mmap says what such
// types are, and [NewTyped] names the field at fault. On 64-bit machines fields lie as in
// C's struct with the same fields in the same order; padding is sent as zeros. The machine
// must be little-endian: [errors.ErrUnsupported] elsewhere.
//
// A body of another length is no T. A type of the same length is not noticed: C programs
// send nothing but the bytes.
//
// Experimental.
func Raw[T any]() Codec[T] {
	t := reflect.TypeFor[T]()
	if plain.Check(t) != nil {
		return rawCodec[T]{}
	}
	return rawCodec[T]{paddingOf(t, 0)}
}

type rawCodec[T any] struct{ padding []hole }

// hole is padding between fields, which may have any bytes.
type hole struct{ offset, size uintptr }

func (rawCodec[T]) check() error {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 || math.MaxUint == math.MaxUint32 {
		return fmt.Errorf("raw messages are for 64-bit little-endian machines (%w)", errors.ErrUnsupported)
	}
	return plain.Check(reflect.TypeFor[T]())
}

func (c rawCodec[T]) Append(b []byte, v T) ([]byte, error) {
	if err := c.check(); err != nil {
		return b, err
	}
	image := bytesOf(&v)
	for _, h := range c.padding {
		clear(image[h.offset : h.offset+h.size])
	}
	return append(b, image...), nil
}

func (c rawCodec[T]) Decode(body []byte) (v T, err error) {
	if err := c.check(); err != nil {
		return v, err
	}
	if size := unsafe.Sizeof(v); uintptr(len(body)) != size {
		return v, fmt.Errorf("it has %d bytes, and the type %d", len(body), size)
	}
	copy(bytesOf(&v), body)
	return v, nil
}

// bytesOf returns the memory of a value.
//
// Preconditions:
//   - T has passed plain.Check: any bytes are a T, and no bytes are a pointer.
func bytesOf[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }

// paddingOf returns the padding in a T that lies at an offset.
func paddingOf(t reflect.Type, offset uintptr) (holes []hole) {
	switch t.Kind() {
	case reflect.Array:
		inElement := paddingOf(t.Elem(), offset)
		if len(inElement) == 0 {
			return nil
		}
		for i := range t.Len() {
			for _, h := range inElement {
				holes = append(holes, hole{h.offset + uintptr(i)*t.Elem().Size(), h.size})
			}
		}
	case reflect.Struct:
		end := uintptr(0)
		for i := range t.NumField() {
			f := t.Field(i)
			if f.Offset > end {
				holes = append(holes, hole{offset + end, f.Offset - end})
			}
			holes = append(holes, paddingOf(f.Type, offset+f.Offset)...)
			end = f.Offset + f.Type.Size()
		}
		if t.Size() > end {
			holes = append(holes, hole{offset + end, t.Size() - end})
		}
	}
	return holes
}
