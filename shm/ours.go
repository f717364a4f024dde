package shm

import (
	"reflect"

	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/mmap"
)

// ours is an object with our header that holds values of one type.
type ours struct {
	*object.Mapped
	name string
}

// headerOf returns what an object of a kind with values of type t begins with.
func headerOf(kind string, version uint16, t reflect.Type, payload int64) (*layout.Header, error) {
	if err := mmap.CheckType(t); err != nil {
		return nil, err
	}
	return &layout.Header{Kind: kind, Version: version, Reader: version, Writer: version, Type: layout.Describe(t), Payload: payload}, nil
}

// openOurs opens the object name, or makes it. One that differs is refused
// before it is mapped.
func openOurs(name string, h *layout.Header, cfg *Config) (*ours, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	spec := object.Spec{Header: h, Name: name, Scope: s.Scope, Access: s.access, Map: *s.mapping()}
	m, err := spec.OpenOrCreate()
	if err != nil {
		return nil, err
	}
	return &ours{m, name}, nil
}

// removeOurs removes the object name of a kind.
func removeOurs(kind, name string, cfg *Config) error {
	s, err := cfg.settings()
	if err != nil {
		return err
	}
	spec := object.Spec{Header: &layout.Header{Kind: kind}, Name: name, Scope: s.Scope}
	return spec.Remove()
}
