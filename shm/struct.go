package shm

import (
	"fmt"
	"os"
	"reflect"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// Struct is one value of type T that processes share by name. Its layout is
// written down with it, so that a program with another T, or with T at another
// version, gets an error and not garbage.
//
// T is a type that package mmap lists as one for shared memory: numbers, arrays and
// structs of them, without pointers. Fields that more than one process changes are of
// sync/atomic's types, or under a lock of package ipcsync.
//
// The value is the file bw.struct.NAME (docs/formats.md) and stays until [Remove] or,
// on Linux, the next boot. On a nil or zero Struct methods fail with [os.ErrInvalid].
type Struct[T any] struct {
	o     *ours
	value *T
}

var structVersion = version{layout: 1, reader: 1, writer: 1}

// CreateStruct makes the value name, all zero. It fails with [os.ErrExist] if there is
// one, and with [os.ErrInvalid] for a T that can't be shared; the error names the field
// at fault. It fails further as [Create] does.
func CreateStruct[T any](name string, cfg *Config) (*Struct[T], error) {
	return openStruct[T](breezeway.OpCreate, toCreate, name, cfg)
}

// OpenStruct opens the value name. It fails with [os.ErrNotExist] if there is none.
// One that was made with another layout fails with [breezeway.ErrMismatch], and the
// error names the first field that differs. With Config.ReadOnly the value can't be
// written. It fails further as [Open] does.
func OpenStruct[T any](name string, cfg *Config) (*Struct[T], error) {
	return openStruct[T](breezeway.OpOpen, toOpen, name, cfg)
}

// OpenOrCreateStruct opens the value name as [OpenStruct] does or, if there is none,
// makes it as [CreateStruct] does; [Struct.Created] tells which.
func OpenOrCreateStruct[T any](name string, cfg *Config) (*Struct[T], error) {
	return openStruct[T](breezeway.OpOpenOrCreate, toOpenOrCreate, name, cfg)
}

func openStruct[T any](op string, by opener, name string, cfg *Config) (*Struct[T], error) {
	t := reflect.TypeFor[T]()
	o, _, err := openOurs(by, KindStruct, name, structVersion, t, int64(t.Size()), cfg)
	if err != nil {
		return nil, KindStruct.fail(op, name, err)
	}
	value, err := mmap.View[T](o.Mapping, o.Start)
	if err != nil {
		o.Close()
		return nil, o.fail(op, err)
	}
	return &Struct[T]{o, value}, nil
}

func (s *Struct[T]) isZero() bool { return s == nil || s.o == nil }

var errNoStruct = fmt.Errorf("there is no value; make it with shm.CreateStruct or shm.OpenStruct (%w)", os.ErrInvalid)

// Value returns the value itself, in shared memory. It is not to be used after
// Close. Writing to a read-only one crashes the process, and so does touching it
// after a process that may write the file has truncated it: see [Struct.Borrow].
func (s *Struct[T]) Value() *T {
	if s == nil {
		return nil
	}
	return s.value
}

// Borrow calls f with the value and returns f's error. Close waits for it, and
// within f a fault in the memory is an error; see [mmap.Mapping.Borrow].
func (s *Struct[T]) Borrow(f func(*T) error) error {
	if s.isZero() {
		return KindStruct.fail(breezeway.OpBorrow, "", errNoStruct)
	}
	return s.o.Borrow(func([]byte) error { return f(s.value) })
}

// Created reports whether the call that returned s made the value.
func (s *Struct[T]) Created() bool { return !s.isZero() && s.o.Created }

// Close ends this process's use of the value, which stays. Closing again does
// nothing.
func (s *Struct[T]) Close() error {
	if s.isZero() {
		return KindStruct.fail(breezeway.OpClose, "", errNoStruct)
	}
	return s.o.fail(breezeway.OpClose, s.o.Close())
}
