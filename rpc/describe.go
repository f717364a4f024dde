package rpc

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// ObjectInfo describes an object of the other side.
type ObjectInfo struct {
	Name    string       `json:"name"` // "" for functions
	Methods []MethodInfo `json:"methods"`
}

// MethodInfo describes a method.
type MethodInfo struct {
	Name     string    `json:"name"`
	Params   []*Schema `json:"params"`
	Variadic bool      `json:"variadic,omitempty"` // the last parameter is an array; its items may come one by one
	Result   *Schema   `json:"result,omitempty"`   // of a stream its items
	Stream   bool      `json:"stream,omitempty"`
}

// Schema is the small part of JSON Schema that tells what Go's types look like. The empty
// one means any value.
type Schema struct {
	Type       string             `json:"type,omitempty"`
	Format     string             `json:"format,omitempty"` // "date-time", "base64"
	Items      *Schema            `json:"items,omitempty"`
	Properties map[string]*Schema `json:"properties,omitempty"`
	Additional *Schema            `json:"additionalProperties,omitempty"`
}

// describe returns what is registered, sorted.
func (r *registry) describe() []ObjectInfo {
	r.mu.RLock()
	defer r.mu.RUnlock()
	found := map[string]*ObjectInfo{}
	for _, m := range r.methods {
		o := found[m.object]
		if o == nil {
			o = &ObjectInfo{Name: m.object}
			found[m.object] = o
		}
		o.Methods = append(o.Methods, m.info)
	}
	objects := []ObjectInfo{}
	for _, o := range found {
		slices.SortFunc(o.Methods, func(a, b MethodInfo) int { return cmp.Compare(a.Name, b.Name) })
		objects = append(objects, *o)
	}
	slices.SortFunc(objects, func(a, b ObjectInfo) int { return cmp.Compare(a.Name, b.Name) })
	return objects
}

// describe returns what callers learn of the method. It fails if a type can't be carried.
func (m *method) describe() (MethodInfo, error) {
	info := MethodInfo{Name: m.name, Params: []*Schema{}, Variadic: m.variadic, Stream: m.stream != noStream}
	for _, p := range m.params {
		s, err := schemaOf(p)
		if err != nil {
			return info, fmt.Errorf("%s takes %w", m.name, err)
		}
		info.Params = append(info.Params, s)
	}
	if m.result != nil {
		s, err := schemaOf(m.result)
		if err != nil {
			return info, fmt.Errorf("%s returns %w", m.name, err)
		}
		info.Result = s
	}
	return info, nil
}

// maxSchema is how many schemas the description of one type has. What is beyond is any
// value: types that contain each other would otherwise be described in every combination.
const maxSchema = 500

// describer makes the schema of one type.
type describer struct {
	within []reflect.Type // the named types around: one that has itself inside is described once
	left   int            // how many schemas may be added
	err    error
}

// schemaOf describes a type.
func schemaOf(t reflect.Type) (*Schema, error) {
	d := &describer{left: maxSchema}
	return d.describe(t), d.err
}

func (d *describer) describe(t reflect.Type) *Schema {
	if d.left--; d.left < 0 {
		return &Schema{}
	}
	t = d.pointedTo(t)
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &Schema{Type: "string", Format: "date-time"}
	case implements[json.Marshaler](t):
		return &Schema{}
	case implements[encoding.TextMarshaler](t):
		return &Schema{Type: "string"}
	}
	if t.Name() != "" { // a type that contains itself has a name
		if slices.Contains(d.within, t) {
			return &Schema{Type: typeOf(t)}
		}
		d.within = append(d.within, t)
		defer func() { d.within = d.within[:len(d.within)-1] }()
	}
	s := &Schema{Type: typeOf(t)}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return &Schema{Type: "string", Format: "base64"}
		}
		s.Items = d.describe(t.Elem())
	case reflect.Map:
		s.Additional = d.describe(t.Elem())
	case reflect.Struct:
		s.Properties = d.properties(t)
	}
	return s
}

// pointedTo goes along pointers. A type of pointers to itself has no end, and encoding/json
// none when it decodes one.
func (d *describer) pointedTo(t reflect.Type) reflect.Type {
	var passed []reflect.Type
	for t.Kind() == reflect.Pointer {
		if t.Name() != "" {
			if slices.Contains(passed, t) {
				d.err = fmt.Errorf("%v, which points to itself, which JSON can't carry", t)
				return reflect.TypeFor[any]()
			}
			passed = append(passed, t)
		}
		t = t.Elem()
	}
	return t
}

// typeOf returns what JSON Schema calls a type, "" if it can be any.
func typeOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Map, reflect.Struct:
		return "object"
	case reflect.Interface:
		return ""
	}
	return "integer"
}

func implements[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}

// properties describes the fields of a struct, by their names in JSON.
func (d *describer) properties(t reflect.Type) map[string]*Schema {
	fields := map[string]*Schema{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" || !f.IsExported() || name == "-" || !transferable(f.Type) {
			continue
		}
		fields[cmp.Or(name, f.Name)] = d.describe(f.Type)
	}
	return fields
}
