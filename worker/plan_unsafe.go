package worker

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/plain"
)

// The functions of a plan.
//
// Preconditions:
//   - p points to a value of the plan's type; for decode it is zero, and the caller's.
type (
	encodeFunc = func(e *encoder, p unsafe.Pointer)
	decodeFunc = func(d *decoder, p unsafe.Pointer)
)

func bytesAt(p unsafe.Pointer, n int) []byte { return unsafe.Slice((*byte)(p), n) }

func planImage(size int) plan {
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) { e.b = append(e.b, bytesAt(p, size)...) },
		decode: func(d *decoder, p unsafe.Pointer) { copy(bytesAt(p, size), d.take(size)) },
		least:  size,
	}
}

func planBool() plan {
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			v := byte(0)
			if *(*bool)(p) {
				v = 1
			}
			e.b = append(e.b, v)
		},
		decode: func(d *decoder, p unsafe.Pointer) { *(*bool)(p) = d.byte() != 0 },
		least:  1,
	}
}

func planString() plan {
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			s := *(*string)(p)
			e.length(len(s), false)
			e.b = append(e.b, s...)
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			n, _ := d.length(1)
			*(*string)(p) = string(d.take(n))
		},
		least: 4,
	}
}

// planMarshaler is for types that encode themselves.
func planMarshaler[M, U any](t reflect.Type, marshal func(M) ([]byte, error), unmarshal func(U, []byte) error) plan {
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			text, err := marshal(reflect.NewAt(t, p).Interface().(M))
			if err != nil && e.err == nil {
				e.err = fmt.Errorf("a %v: %w", t, err)
			}
			e.length(len(text), false)
			e.b = append(e.b, text...)
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			n, _ := d.length(1)
			text := d.take(n)
			if d.err != nil {
				return
			}
			if err := unmarshal(reflect.NewAt(t, p).Interface().(U), append([]byte(nil), text...)); err != nil {
				d.fail("a %v: %v", t, err)
			}
		},
		least: 4,
	}
}

func planError() plan {
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			err := *(*error)(p)
			if err == nil {
				e.b = append(e.b, 0)
				return
			}
			e.b = appendError(append(e.b, 1), err)
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			if d.byte() != 0 {
				*(*error)(p) = decodeError(d, "", 0)
			}
		},
		least: 1,
	}
}

func planBuffer() plan {
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			if err := (*(**Buffer)(p)).encode(e); err != nil && e.err == nil {
				e.err = err
			}
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			buffer, err := decodeBuffer(d)
			if err != nil {
				d.fail("%v", err)
			}
			*(**Buffer)(p) = buffer
		},
		least: 1,
	}
}

func (b *planner) slice(t reflect.Type) (plan, error) {
	inner, err := b.plan(t.Elem())
	if err != nil {
		return plan{}, err
	}
	size, isPlain := t.Elem().Size(), plain.Check(t.Elem()) == nil
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			s := (*sliceHeader)(p)
			e.length(s.len, s.data == nil)
			if isPlain || size == 0 {
				e.b = append(e.b, bytesAt(s.data, s.len*int(size))...)
				return
			}
			if e.enter() {
				for i := range s.len {
					inner.encode(e, unsafe.Add(s.data, uintptr(i)*size))
				}
			}
			e.leave()
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			n, isNil := d.length(inner.least)
			if isNil {
				return
			}
			v := reflect.NewAt(t, p).Elem()
			if isPlain || size == 0 {
				v.Set(reflect.MakeSlice(t, n, n))
				copy(bytesAt(v.UnsafePointer(), n*int(size)), d.take(n*int(size)))
				return
			}
			// The memory grows with what was decoded: an element may be much larger
			// than its bytes.
			v.Set(reflect.MakeSlice(t, 0, min(n, firstElements)))
			if d.enter() {
				for i := 0; i < n && d.err == nil; i++ {
					if i == v.Cap() {
						v.Grow(min(n-i, i))
					}
					v.SetLen(i + 1)
					inner.decode(d, unsafe.Add(v.UnsafePointer(), uintptr(i)*size))
				}
			}
			d.leave()
		},
		least: 4,
	}, nil
}

// firstElements is for how many elements of a slice there is room at first.
const firstElements = 256

// sliceHeader is what a slice consists of.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

func (b *planner) array(t reflect.Type) (plan, error) {
	inner, err := b.plan(t.Elem())
	if err != nil {
		return plan{}, err
	}
	size, n := t.Elem().Size(), t.Len()
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			for i := range n {
				inner.encode(e, unsafe.Add(p, uintptr(i)*size))
			}
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			for i := range n {
				inner.decode(d, unsafe.Add(p, uintptr(i)*size))
			}
		},
		least: n * inner.least,
	}, nil
}

func (b *planner) mapping(t reflect.Type) (plan, error) {
	key, err := b.plan(t.Key())
	if err != nil {
		return plan{}, err
	}
	value, err := b.plan(t.Elem())
	if err != nil {
		return plan{}, err
	}
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			m := reflect.NewAt(t, p).Elem()
			e.length(m.Len(), m.IsNil())
			if e.enter() {
				k, v := reflect.New(t.Key()), reflect.New(t.Elem())
				for all := m.MapRange(); all.Next(); {
					k.Elem().SetIterKey(all)
					v.Elem().SetIterValue(all)
					key.encode(e, k.UnsafePointer())
					value.encode(e, v.UnsafePointer())
				}
			}
			e.leave()
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			n, isNil := d.length(key.least + value.least)
			if isNil {
				return
			}
			m := reflect.MakeMapWithSize(t, min(n, 1<<10))
			d.enter()
			for range n {
				if key.least == 0 && m.Len() > 0 {
					d.fail("a key of no size is there twice")
				}
				k, v := reflect.New(t.Key()), reflect.New(t.Elem())
				key.decode(d, k.UnsafePointer())
				value.decode(d, v.UnsafePointer())
				if d.err == nil && !k.Elem().Comparable() { // an error of the program
					d.fail("a key can't be compared")
				}
				if d.err != nil {
					return
				}
				m.SetMapIndex(k.Elem(), v.Elem())
			}
			d.leave()
			reflect.NewAt(t, p).Elem().Set(m)
		},
		least: 4,
	}, nil
}

func (b *planner) pointer(t reflect.Type) (plan, error) {
	inner, err := b.plan(t.Elem())
	if err != nil {
		return plan{}, err
	}
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			to := *(*unsafe.Pointer)(p)
			if to == nil {
				e.b = append(e.b, 0)
				return
			}
			e.b = append(e.b, 1)
			if e.enter() {
				inner.encode(e, to)
			}
			e.leave()
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			if d.byte() == 0 {
				return
			}
			v := reflect.New(t.Elem())
			if d.enter() {
				inner.decode(d, v.UnsafePointer())
			}
			d.leave()
			reflect.NewAt(t, p).Elem().Set(v.Convert(t))
		},
		least: 1,
	}, nil
}

func (b *planner) structure(t reflect.Type) (plan, error) {
	type field struct {
		*plan
		offset uintptr
	}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Size() == 0 {
			continue
		}
		p, err := b.plan(f.Type)
		if err != nil {
			return plan{}, fmt.Errorf("field %s: %w", f.Name, err)
		}
		fields = append(fields, field{p, f.Offset})
	}
	least := 0
	for _, f := range fields {
		least += f.least // 0 of those under way, which are behind pointers
	}
	return plan{
		encode: func(e *encoder, p unsafe.Pointer) {
			for _, f := range fields {
				f.encode(e, unsafe.Add(p, f.offset))
			}
		},
		decode: func(d *decoder, p unsafe.Pointer) {
			for _, f := range fields {
				f.decode(d, unsafe.Add(p, f.offset))
			}
		},
		least: least,
	}, nil
}
