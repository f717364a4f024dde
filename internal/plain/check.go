// Package plain tells which Go types are plain data, of which processes can share
// values in memory.
package plain

import (
	"fmt"
	"os"
	"reflect"
	"sync"
)

// Check returns an error unless values of type t can live in memory that several
// processes share. Package mmap's overview lists what can't. The error names the
// field at fault and the reason, and wraps [os.ErrInvalid]. The result is cached.
func Check(t reflect.Type) error {
	if known, ok := checkedTypes.Load(t); ok {
		err, _ := known.(error)
		return err
	}
	path, why := objection(t)
	if why == "" && t.Size() == 0 {
		why = "has no size"
	}
	var err error
	switch {
	case why == "":
	case path == "":
		err = fmt.Errorf("type %v can't be shared: it %s (%w)", t, why, os.ErrInvalid)
	default:
		err = fmt.Errorf("type %v can't be shared: its field %s %s (%w)", t, path, why, os.ErrInvalid)
	}
	checkedTypes.Store(t, err)
	return err
}

var checkedTypes sync.Map // reflect.Type -> error or nil

// objection returns the path of the first part of t that can't be shared, and
// why, or "" twice.
func objection(t reflect.Type) (path, why string) {
	if t.PkgPath() == "sync" {
		return "", fmt.Sprintf("is a %v, which waits within one process only; use package ipcsync", t)
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return "", ""
	case reflect.Bool:
		return "", "is a bool, which another process may set to something else than 0 and 1; use uint8"
	case reflect.Uintptr:
		return "", "is an address, which means nothing in another process"
	case reflect.Array:
		if t.Len() == 0 {
			return "", ""
		}
		path, why = objection(t.Elem())
		return "[]" + dotted(path), why
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if path, why = objection(f.Type); why != "" {
				return f.Name + dotted(path), why
			}
		}
		return "", ""
	}
	return "", fmt.Sprintf("is a %v, which points into this process's memory", t.Kind())
}

func dotted(path string) string {
	if path == "" || path[0] == '[' {
		return path
	}
	return "." + path
}
