package worker

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/plain"
)

// plan is how values of a type are encoded and decoded: unlike gob's, completely. Fields
// that are not exported cross, a nil slice stays nil and an empty one empty. Pointers
// are followed; two to the same value become two values. Both ends are the same
// executable, so that bytes need no description.
type plan struct {
	encode encodeFunc
	decode decodeFunc
	least  int // bytes that every value takes
}

// encoder is what has been encoded so far, and what went wrong.
type encoder struct {
	b     []byte
	depth int
	err   error
}

// mostDepth is how many pointers, slices and maps may be nested. A value that contains
// itself ends there.
const mostDepth = 1000

var errDeep = errors.New("the value is nested more than 1000 times, or contains itself")

// enter reports whether the value may be followed further.
func (e *encoder) enter() bool {
	e.depth++
	switch {
	case e.err != nil:
	case e.depth > mostDepth:
		e.err = errDeep
	case len(e.b) > maxBody+headerSize: // two pointers to the same value may be a thousand
		e.err = &breezeway.TooLargeError{Size: uint64(len(e.b) - headerSize), Max: maxBody}
	}
	return e.err == nil
}

func (e *encoder) leave() { e.depth-- }

// length appends the length of a slice or map: 0 is nil, others one more.
func (e *encoder) length(n int, isNil bool) {
	switch {
	case isNil:
		n = -1
	case n > maxBody:
		n, e.err = -1, fmt.Errorf("%d elements are more than can be carried", n)
	}
	e.b = binary.LittleEndian.AppendUint32(e.b, uint32(n+1))
}

// length returns what [encoder.length] has appended, for elements that take at least so
// many bytes each.
func (d *decoder) length(each int) (n int, isNil bool) {
	n = int(d.uint32()) - 1
	if n < 0 {
		return 0, true
	}
	if n > maxBody || n*each > len(d.b) {
		d.fail("%d elements don't fit into %d bytes", n, len(d.b))
		return 0, true
	}
	return n, false
}

var plans sync.Map // reflect.Type -> *plan

// planOf returns the plan of a type, or why there is none.
func planOf(t reflect.Type) (*plan, error) {
	if p, ok := plans.Load(t); ok {
		return p.(*plan), nil
	}
	b := planner{made: map[reflect.Type]*plan{}}
	p, err := b.plan(t)
	if err != nil {
		return nil, err
	}
	plans.Store(t, p)
	return p, nil
}

// planner makes the plans of a type and of what it consists of.
type planner struct {
	made map[reflect.Type]*plan // also those under way: a type may contain pointers to itself
}

// leastOf has what values of a kind take at least, for those that a type may contain itself
// behind: their plan is used before it is made. A type without that would let some bytes
// stand for any number of elements.
var leastOf = map[reflect.Kind]int{reflect.Pointer: 1, reflect.Slice: 4, reflect.Map: 4}

func (b *planner) plan(t reflect.Type) (*plan, error) {
	if p := b.made[t]; p != nil {
		return p, nil
	}
	p := &plan{least: leastOf[t.Kind()]}
	b.made[t] = p
	made, err := b.make(t)
	if err != nil {
		return nil, err
	}
	*p = made
	return p, nil
}

func (b *planner) make(t reflect.Type) (plan, error) {
	switch {
	case t == reflect.TypeFor[*Buffer]():
		return planBuffer(), nil
	case t == reflect.TypeFor[error]():
		return planError(), nil
	case embedsMarshaler(t):
		return b.structure(t)
	case marshals[encoding.BinaryMarshaler, encoding.BinaryUnmarshaler](t):
		return planMarshaler(t, encoding.BinaryMarshaler.MarshalBinary, encoding.BinaryUnmarshaler.UnmarshalBinary), nil
	case marshals[encoding.TextMarshaler, encoding.TextUnmarshaler](t):
		return planMarshaler(t, encoding.TextMarshaler.MarshalText, encoding.TextUnmarshaler.UnmarshalText), nil
	case t.PkgPath() == "sync" || t.PkgPath() == "sync/atomic":
		return plan{}, fmt.Errorf("a %v belongs to one process", t)
	case plain.Check(t) == nil:
		return planImage(int(t.Size())), nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return planBool(), nil
	case reflect.String:
		return planString(), nil
	case reflect.Slice:
		return b.slice(t)
	case reflect.Array:
		return b.array(t)
	case reflect.Map:
		return b.mapping(t)
	case reflect.Pointer:
		return b.pointer(t)
	case reflect.Struct:
		return b.structure(t)
	}
	return plan{}, fmt.Errorf("a %v means nothing in another process", t)
}

// embedsMarshaler reports whether t is a struct whose methods to encode itself may be those
// of an embedded field, which know nothing of the other fields.
func embedsMarshaler(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.Anonymous {
			continue
		}
		of := f.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if embedsMarshaler(of) || marshals[encoding.BinaryMarshaler, encoding.BinaryUnmarshaler](of) || marshals[encoding.TextMarshaler, encoding.TextUnmarshaler](of) {
			return true
		}
	}
	return false
}

// marshals reports whether values of t encode and decode themselves.
func marshals[M, U any](t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface &&
		reflect.PointerTo(t).Implements(reflect.TypeFor[M]()) && reflect.PointerTo(t).Implements(reflect.TypeFor[U]())
}
