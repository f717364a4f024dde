package worker

import (
	"fmt"
	"unsafe"

	"github.com/breezeway-ipc/breezeway"
)

// append appends the bytes of v to b. With an error it returns at least b: a codec of the
// program's may return nothing then.
func (c *codec[T]) append(b []byte, v T) ([]byte, error) {
	switch {
	case c.image:
		return append(b, imageOf(&v)...), nil
	case c.other != nil:
		out, err := c.other.Append(b, v)
		if err != nil {
			return b, err
		}
		return out, nil
	}
	return c.appendPlanned(b, v)
}

// appendPlanned is a function of its own since its value moves to the heap.
func (c *codec[T]) appendPlanned(b []byte, v T) ([]byte, error) {
	e := encoder{b: b}
	c.plan.encode(&e, unsafe.Pointer(&v))
	return e.b, e.err
}

// decode returns the value of all of body.
func (c *codec[T]) decode(body []byte) (v T, err error) {
	switch {
	case c.image:
		if len(body) != c.size {
			return v, fmt.Errorf("%d bytes are there where %d should be (%w)", len(body), c.size, breezeway.ErrMismatch)
		}
		copy(imageOf(&v), body)
		return v, nil
	case c.other != nil:
		return c.other.Decode(body)
	}
	return c.decodePlanned(body)
}

func (c *codec[T]) decodePlanned(body []byte) (T, error) {
	var v T
	d := decoder{b: body}
	c.plan.decode(&d, unsafe.Pointer(&v))
	if err := d.end(); err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// imageOf returns the memory of a value.
//
// Preconditions:
//   - T has passed plain.Check: any bytes are a T, and no bytes are a pointer.
func imageOf[T any](v *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v)) }

// imagesOf is imageOf of the elements of a slice.
func imagesOf[T any](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), uintptr(len(v))*unsafe.Sizeof(v[0]))
}

// viewOf returns the values that lie in b.
//
// Preconditions:
//   - T has passed plain.Check.
//   - b is aligned to 8 bytes, and nothing else writes to it.
func viewOf[T any](b []byte) []T {
	var v T
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))/unsafe.Sizeof(v))
}
