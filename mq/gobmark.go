package mq

import (
	"encoding"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"hash/fnv"
	"reflect"
	"strings"
)

// A body of [Gob] begins with 16 bytes, and goes on with what encoding/gob writes:
//
//	0  8  "bw.gob.1"
//	8  8  64-bit FNV-1a of the description of T, little-endian
const gobMagic = "bw.gob.1"

func newGobMark[T any]() string {
	hash := fnv.New64a()
	var d typeDescription
	d.add(reflect.TypeFor[T]())
	hash.Write([]byte(d.String()))
	return string(binary.LittleEndian.AppendUint64([]byte(gobMagic), hash.Sum64()))
}

// typeDescription is what two types must agree on to be the same for gob: kinds, and the
// names and order of exported fields. A type within itself is named by its depth.
type typeDescription struct {
	strings.Builder
	around []reflect.Type
}

func (d *typeDescription) add(t reflect.Type) {
	for i, outer := range d.around {
		if outer == t {
			fmt.Fprintf(d, "^%d", len(d.around)-i)
			return
		}
	}
	d.around = append(d.around, t)
	defer func() { d.around = d.around[:len(d.around)-1] }()
	if encodesItself(t) {
		d.WriteString(t.String()) // its fields are its own affair
		return
	}
	switch t.Kind() {
	case reflect.Pointer: // gob sends what it points to
		d.add(t.Elem())
	case reflect.Struct:
		d.addFields(t)
	case reflect.Slice:
		d.WriteString("[]")
		d.add(t.Elem())
	case reflect.Array:
		fmt.Fprintf(d, "[%d]", t.Len())
		d.add(t.Elem())
	case reflect.Map:
		d.WriteString("map[")
		d.add(t.Key())
		d.WriteString("]")
		d.add(t.Elem())
	case reflect.Interface:
		d.WriteString(t.String())
	default:
		d.WriteString(t.Kind().String())
	}
}

func (d *typeDescription) addFields(t reflect.Type) {
	d.WriteString("{")
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Type.Kind() != reflect.Func && f.Type.Kind() != reflect.Chan {
			d.WriteString(f.Name + " ")
			d.add(f.Type)
			d.WriteString(";")
		}
	}
	d.WriteString("}")
}

// encodesItself reports whether gob leaves the bytes of t to methods of t.
func encodesItself(t reflect.Type) bool {
	for _, of := range []reflect.Type{
		reflect.TypeFor[gob.GobEncoder](),
		reflect.TypeFor[encoding.BinaryMarshaler](),
	} {
		if t.Implements(of) || reflect.PointerTo(t).Implements(of) {
			return true
		}
	}
	return false
}
