package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/breezeway-ipc/breezeway"
)

// Bind fills a struct of funcs with functions that call the methods of an object:
//
//	var calc struct {
//		Add   func(ctx context.Context, a, b int) (int, error)
//		Count func(ctx context.Context, to int) iter.Seq2[int, error]
//		Log   func(ctx context.Context, text string) error `rpc:"log,notify"`
//		Mean  func(ctx context.Context, x ...float64) (float64, error) `rpc:",idempotent"`
//	}
//	err := rpc.Bind(&calc, client.Object("Calc"))
//
// stub points to the struct. Each exported field of a func type takes a context and the
// arguments, and returns an error, a result and an error, or an iterator as [Stream] does.
// The tag names the method, if that isn't the field's name, and says notify for [Object.Notify]
// and idempotent for [Object.Idempotent]. Any other signature or option is [os.ErrInvalid].
// The methods are not looked up before they are called.
func Bind(stub any, o *Object) error {
	if !o.valid() {
		return failed(breezeway.OpBind, "", errNoObject)
	}
	v := reflect.ValueOf(stub)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return failed(breezeway.OpBind, o.name, fmt.Errorf("%T is no pointer to a struct (%w)", stub, os.ErrInvalid))
	}
	v = v.Elem()
	bound := false
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || field.Type.Kind() != reflect.Func {
			continue
		}
		f, err := newStub(o, field)
		if err != nil {
			return failed(breezeway.OpBind, o.name, fmt.Errorf("field %s: %w (%w)", field.Name, err, os.ErrInvalid))
		}
		v.Field(i).Set(reflect.MakeFunc(field.Type, f.call))
		bound = true
	}
	if !bound {
		return failed(breezeway.OpBind, o.name, fmt.Errorf("%T has no exported field that is a function (%w)", stub, os.ErrInvalid))
	}
	return nil
}

// stubFunc is what a field of a stub calls.
type stubFunc struct {
	object   *Object
	method   string
	notify   bool
	variadic bool
	reply    reflect.Type // nil if there is none
	sequence reflect.Type // iter.Seq2[Item, error], nil if it is none
	item     reflect.Type
}

func newStub(o *Object, field reflect.StructField) (*stubFunc, error) {
	t := field.Type
	f := &stubFunc{object: o, method: field.Name, variadic: t.IsVariadic()}
	if err := f.options(field.Tag.Get("rpc")); err != nil {
		return nil, err
	}
	if t.NumIn() == 0 || t.In(0) != contextType {
		return nil, fmt.Errorf("a function takes a context first")
	}
	switch outs := t.NumOut(); {
	case outs == 1 && t.Out(0) == errorType:
	case outs == 2 && t.Out(1) == errorType && !f.notify:
		f.reply = t.Out(0)
	case outs == 1 && !f.notify:
		item, kind := streamOf(t.Out(0))
		if kind == ofResults {
			f.sequence, f.item = t.Out(0), item
			return f, nil
		}
		fallthrough
	default:
		return nil, fmt.Errorf("a function returns an error, a result and an error, or an iter.Seq2 with an error; one that notifies an error only")
	}
	return f, nil
}

// options takes the field's tag.
func (f *stubFunc) options(tag string) error {
	name, options, _ := strings.Cut(tag, ",")
	if name != "" {
		f.method = name
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "notify":
			f.notify = true
		case "idempotent":
			f.object = f.object.Idempotent()
		default:
			return fmt.Errorf("no option %q; there are notify and idempotent", option)
		}
	}
	return nil
}

// call is the body of the function.
func (f *stubFunc) call(in []reflect.Value) []reflect.Value {
	ctx, _ := in[0].Interface().(context.Context)
	args := f.arguments(in[1:])
	switch {
	case f.sequence != nil:
		return []reflect.Value{f.iterator(ctx, args)}
	case f.notify:
		return []reflect.Value{errorValue(f.object.Notify(ctx, f.method, args...))}
	case f.reply == nil:
		return []reflect.Value{errorValue(f.object.call(ctx, f.method, args, new(any)))}
	}
	reply := reflect.New(f.reply)
	err := f.object.call(ctx, f.method, args, reply.Interface())
	return []reflect.Value{reply.Elem(), errorValue(err)}
}

func (f *stubFunc) arguments(in []reflect.Value) []any {
	args := make([]any, 0, len(in))
	for i, v := range in {
		if f.variadic && i == len(in)-1 {
			for j := range v.Len() {
				args = append(args, v.Index(j).Interface())
			}
			break
		}
		args = append(args, v.Interface())
	}
	return args
}

// iterator returns an iter.Seq2 of the field's type.
func (f *stubFunc) iterator(ctx context.Context, args []any) reflect.Value {
	return reflect.MakeFunc(f.sequence, func(in []reflect.Value) []reflect.Value {
		yield, left := in[0], false
		err := f.object.stream(ctx, f.method, args, func(text json.RawMessage) (bool, error) {
			item := reflect.New(f.item)
			if err := decode(text, item.Interface()); err != nil {
				return false, err
			}
			left = !yield.Call([]reflect.Value{item.Elem(), errorValue(nil)})[0].Bool()
			return !left, nil
		})
		if err != nil && !left {
			yield.Call([]reflect.Value{reflect.Zero(f.item), errorValue(err)})
		}
		return nil
	})
}

// errorValue returns an error as a value of type error, also if it is nil.
func errorValue(err error) reflect.Value {
	v := reflect.New(errorType).Elem()
	if err != nil {
		v.Set(reflect.ValueOf(err))
	}
	return v
}
