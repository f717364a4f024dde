package mq

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
)

// Codec turns values into the bodies of messages and back. Its methods may be called
// concurrently.
//
// Experimental.
type Codec[T any] interface {
	// Append appends the body for v to b.
	Append(b []byte, v T) ([]byte, error)
	// Decode returns the value of a body, which any program may have sent. The value
	// may not refer to the memory of the body. An error means that the body is no T.
	Decode(body []byte) (T, error)
}

// JSON is the codec that writes values as JSON (package encoding/json), for programs in any
// language, and for queues that outlive a program's version.
//
// Decode is strict: a field that T doesn't have, a value of another kind and text after
// the value are no T. A field that is missing is not noticed, and is zero.
//
// Experimental.
func JSON[T any]() Codec[T] { return jsonCodec[T]{} }

type jsonCodec[T any] struct{}

// check finds what JSON has no form for, such as a channel.
func (jsonCodec[T]) check() error {
	var none T
	_, err := json.Marshal(none)
	if unsupported := new(json.UnsupportedTypeError); errors.As(err, &unsupported) {
		return fmt.Errorf("JSON can't carry a %v: it has no form for a %v (%w)", reflect.TypeFor[T](), unsupported.Type, os.ErrInvalid)
	}
	return nil
}

func (jsonCodec[T]) Append(b []byte, v T) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(b, text...), err
}

func (jsonCodec[T]) Decode(body []byte) (v T, err error) {
	if string(bytes.TrimSpace(body)) == "null" && !canBeNull(reflect.TypeFor[T]()) {
		return v, errors.New("it is null")
	}
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	if err := in.Decode(&v); err != nil {
		return v, err
	}
	if _, err := in.Token(); err != io.EOF {
		return v, errors.New("there is more text after the value")
	}
	return v, nil
}

// canBeNull reports whether a value of t becomes null, or understands it. Package json
// leaves all others as they are when it reads null.
func canBeNull(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		return true
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// Gob is the codec of package encoding/gob, between Go programs. A body begins with 16
// bytes that say which codec and which T it is of: a T with other fields, in their names,
// types or order, is another one. Names of types don't matter.
//
// Experimental.
func Gob[T any]() Codec[T] { return gobCodec[T]{newGobMark[T]()} }

type gobCodec[T any] struct{ mark string }

// check finds the types that gob has no form for. It leaves out fields of such types.
func (gobCodec[T]) check() error {
	t := reflect.TypeFor[T]()
	for t.Kind() == reflect.Pointer && t.Elem() != t {
		t = t.Elem()
	}
	encoder := reflect.PointerTo(t).Implements(reflect.TypeFor[gob.GobEncoder]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.BinaryMarshaler]())
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		if !encoder {
			return fmt.Errorf("gob can't carry a %v (%w)", reflect.TypeFor[T](), os.ErrInvalid)
		}
	}
	return nil
}

func (c gobCodec[T]) Append(b []byte, v T) ([]byte, error) {
	out := bytes.NewBuffer(append(b, c.mark...))
	err := gob.NewEncoder(out).Encode(&v)
	return out.Bytes(), err
}

func (c gobCodec[T]) Decode(body []byte) (v T, err error) {
	stream, ok := bytes.CutPrefix(body, []byte(c.mark))
	if !ok {
		return v, fmt.Errorf("it was not sent with mq.Gob[%T]", v)
	}
	in := bytes.NewReader(stream)
	if err := gob.NewDecoder(in).Decode(&v); err != nil {
		return v, err
	}
	if in.Len() > 0 {
		return v, errors.New("there are more bytes after the value")
	}
	return v, nil
}
