package shm

import (
	"reflect"

	"github.com/breezeway-ipc/breezeway/internal/layout"
	"github.com/breezeway-ipc/breezeway/internal/object"
	"github.com/breezeway-ipc/breezeway/internal/plain"
)

// ours is an object with our header that holds values of one type.
type ours struct {
	*object.Mapped
	kind Kind
	name string
}

// version is that of an object's layout: see [layout.Header].
type version struct{ layout, reader, writer uint16 }

// opener says how to get at an object. Its Config is checked by settings.
type opener struct {
	settings func(cfg *Config, size int64) (settings, error)
	call     func(*object.Spec) (*object.Mapped, error)
}

var (
	toCreate       = opener{(*Config).creatingOurs, (*object.Spec).Create}
	toOpen         = opener{func(cfg *Config, _ int64) (settings, error) { return cfg.opening() }, (*object.Spec).Open}
	toOpenOrCreate = opener{(*Config).creatingOurs, (*object.Spec).OpenOrCreate}
)

// openOurs opens or makes the object name of a kind, with a payload for values of
// type t. One that differs is refused before it is mapped.
func openOurs(by opener, kind Kind, name string, v version, t reflect.Type, payload int64, cfg *Config) (*ours, settings, error) {
	if err := plain.Check(t); err != nil {
		return nil, settings{}, err
	}
	h := &layout.Header{
		Kind: string(kind), Version: v.layout, Reader: v.reader, Writer: v.writer,
		Type: layout.Describe(t), Payload: payload,
	}
	s, err := by.settings(cfg, h.Total())
	if err != nil {
		return nil, s, err
	}
	m, err := by.call(&object.Spec{Header: h, Name: name, Scope: s.Scope, Access: s.access, Map: *s.mapping()})
	if err != nil {
		return nil, s, err
	}
	return &ours{m, kind, name}, s, nil
}

func (o *ours) fail(op string, err error) error { return o.kind.fail(op, o.name, err) }
