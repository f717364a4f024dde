package ipctest

import (
	"context"
	"errors"
	"os"
	"reflect"
	"testing"
)

// TestZeroValues calls every exported method of each value's type on its zero value
// and, if it is a pointer, on one to a zero value: none may panic, and those that return an error must return one that is
// [os.ErrClosed] or [os.ErrInvalid].
func TestZeroValues(t *testing.T, values ...any) {
	for _, v := range values {
		of := reflect.TypeOf(v)
		receivers := map[string]reflect.Value{"zero": reflect.Zero(of)}
		if of.Kind() == reflect.Pointer {
			receivers["a pointer to zero"] = reflect.New(of.Elem())
		}
		for name, receiver := range receivers {
			for i := range of.NumMethod() {
				t.Run(of.String()+"."+of.Method(i).Name+" of "+name, func(t *testing.T) {
					testZeroMethod(t, receiver.Method(i))
				})
			}
		}
	}
}

func testZeroMethod(t *testing.T, method reflect.Value) {
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("it panics: %v", r)
		}
	}()
	of := method.Type()
	var args []reflect.Value
	for i := range of.NumIn() {
		if !of.IsVariadic() || i < of.NumIn()-1 {
			args = append(args, argumentOf(of.In(i)))
		}
	}
	results := method.Call(args)
	if len(results) == 0 || of.Out(len(results)-1) != reflect.TypeFor[error]() {
		return
	}
	err, _ := results[len(results)-1].Interface().(error)
	if !errors.Is(err, os.ErrClosed) && !errors.Is(err, os.ErrInvalid) {
		t.Errorf("error is %v, want os.ErrClosed or os.ErrInvalid", err)
	}
}

// argumentOf returns an argument that a method can use.
func argumentOf(of reflect.Type) reflect.Value {
	switch {
	case of == reflect.TypeFor[context.Context]():
		return reflect.ValueOf(context.Background())
	case of.Kind() == reflect.Func:
		return reflect.MakeFunc(of, func([]reflect.Value) (results []reflect.Value) {
			for i := range of.NumOut() {
				results = append(results, reflect.Zero(of.Out(i)))
			}
			return results
		})
	}
	return reflect.Zero(of)
}
