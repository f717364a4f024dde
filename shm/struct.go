package shm

import (
	"reflect"

	"github.com/breezeway-ipc/breezeway/mmap"
)

// Struct is one value of type T that processes share by name. Its layout is
// written down with it, so that a program with another T, or with T at another
// version, gets an error and not garbage.
//
// T is what mmap.CheckType admits: numbers, arrays and structs of them, without
// pointers. Fields that more than one process changes are of sync/atomic's types,
// or under a lock of package ipcsync.
type Struct[T any] struct {
	o     *ours
	value *T
}

const (
	structKind    = "struct"
	structVersion = 1
)

// OpenOrCreateStruct opens the value name, or makes it, all zero;
// [Struct.Created] tells which. With Config.ReadOnly it makes none, and the value
// can't be written.
//
// One that was made with another layout fails with [breezeway.ErrMismatch], and
// the error names the first field that differs. A T that can't be shared fails
// with [os.ErrInvalid] and names the field at fault. It fails further as [Open]
// and [Create] do.
//
// The value is the object bw.struct.NAME (docs/formats.md) and stays until
// [RemoveStruct], on Windows too.
func OpenOrCreateStruct[T any](name string, cfg *Config) (*Struct[T], error) {
	const op = "open struct"
	t := reflect.TypeFor[T]()
	h, err := headerOf(structKind, structVersion, t, int64(t.Size()))
	if err != nil {
		return nil, failed(op, name, err)
	}
	o, err := openOurs(name, h, cfg)
	if err != nil {
		return nil, failed(op, name, err)
	}
	value, err := mmap.View[T](o.Mapping, o.Start)
	if err != nil {
		o.Close()
		return nil, failed(op, name, err)
	}
	return &Struct[T]{o, value}, nil
}

// RemoveStruct removes the value name. Processes that have opened it keep it. On
// Windows it fails with [os.ErrPermission] while a process has it open.
func RemoveStruct(name string, cfg *Config) error {
	return removed("remove struct", structKind, name, cfg)
}

func removed(op, kind, name string, cfg *Config) error {
	if err := removeOurs(kind, name, cfg); err != nil {
		return failed(op, name, err)
	}
	return nil
}

// Value returns the value itself, in shared memory. It is not to be used after
// Close. On a read-only one, writing to it crashes the process.
func (s *Struct[T]) Value() *T { return s.value }

// Borrow calls f with the value and returns f's error. Close waits for it, and
// within f a fault in the memory is an error; see [mmap.Mapping.Borrow].
func (s *Struct[T]) Borrow(f func(*T) error) error {
	return s.o.Borrow(func([]byte) error { return f(s.value) })
}

// Created reports whether the call that returned s made the value.
func (s *Struct[T]) Created() bool { return s.o.Created }

// Close ends this process's use of the value, which stays. Closing again does
// nothing.
func (s *Struct[T]) Close() error { return s.o.Close() }
