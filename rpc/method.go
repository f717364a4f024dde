package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync/atomic"
)

// method is a function that can be called from afar.
type method struct {
	name     string
	function reflect.Value
	takesCtx bool
	params   []reflect.Type // without the context
	variadic bool
	result   reflect.Type // nil if there is none; of a stream its items
	stream   streamKind
	fails    bool // the last result is an error
	info     MethodInfo
	quick    atomic.Int32 // how many calls were quick, up to quickCalls
}

// streamKind is how a method yields items.
type streamKind int

const (
	noStream  streamKind = iota
	ofItems              // iter.Seq[T]
	ofResults            // iter.Seq2[T, error]
)

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// newMethod returns the method for a function, or says why it can't be called from afar.
func newMethod(name string, f reflect.Value) (*method, error) {
	m, err := methodOf(name, f)
	if err == nil {
		m.info, err = m.describe()
	}
	return m, err
}

// methodOf takes the signature.
func methodOf(name string, f reflect.Value) (*method, error) {
	t := f.Type()
	m := &method{name: name, function: f, variadic: t.IsVariadic()}
	for i := range t.NumIn() {
		switch in := t.In(i); {
		case i == 0 && in == contextType:
			m.takesCtx = true
		case !transferable(in):
			return nil, fmt.Errorf("%s takes %v, which JSON can't carry", name, in)
		default:
			m.params = append(m.params, in)
		}
	}
	outs := t.NumOut()
	if outs > 0 && t.Out(outs-1) == errorType {
		m.fails = true
		outs--
	}
	if outs > 1 {
		return nil, fmt.Errorf("%s returns more than a result and an error", name)
	}
	if outs == 0 {
		return m, nil
	}
	m.result, m.stream = streamOf(t.Out(0))
	if !transferable(m.result) {
		return nil, fmt.Errorf("%s returns %v, which JSON can't carry", name, m.result)
	}
	return m, nil
}

// streamOf returns the type of the items if t is an iterator, and otherwise t.
func streamOf(t reflect.Type) (reflect.Type, streamKind) {
	if t.Kind() != reflect.Func || t.NumIn() != 1 || t.NumOut() != 0 || t.IsVariadic() {
		return t, noStream
	}
	yield := t.In(0)
	if yield.Kind() != reflect.Func || yield.NumOut() != 1 || yield.Out(0).Kind() != reflect.Bool {
		return t, noStream
	}
	switch {
	case yield.NumIn() == 1:
		return yield.In(0), ofItems
	case yield.NumIn() == 2 && yield.In(1) == errorType:
		return yield.In(0), ofResults
	}
	return t, noStream
}

func transferable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return false
	}
	return true
}

// call calls the method. Of a stream it returns the iterator.
func (m *method) call(ctx context.Context, params json.RawMessage) (any, error) {
	in, err := m.arguments(ctx, params)
	if err != nil {
		return nil, err
	}
	var out []reflect.Value
	if m.variadic {
		out = m.function.CallSlice(in)
	} else {
		out = m.function.Call(in)
	}
	if m.fails {
		if err, _ := out[len(out)-1].Interface().(error); err != nil {
			return nil, err
		}
	}
	if m.result == nil {
		return nil, nil
	}
	return out[0].Interface(), nil
}

// arguments decodes what the method is called with.
func (m *method) arguments(ctx context.Context, params json.RawMessage) ([]reflect.Value, error) {
	values := make([]reflect.Value, 0, len(m.params)+1)
	if m.takesCtx {
		values = append(values, reflect.ValueOf(ctx))
	}
	args, err := m.split(params)
	if err != nil {
		return nil, err
	}
	for i, t := range m.params {
		target := reflect.New(t).Elem()
		if err := m.decodeArgument(i, args[i], target); err != nil {
			return nil, err
		}
		values = append(values, target)
	}
	return values, nil
}

// split returns the text of each argument. An object is the only argument of a method that
// takes one. Those of a variadic function that come one by one are put into an array.
func (m *method) split(params json.RawMessage) ([][]byte, error) {
	want := len(m.params)
	switch params = bytes.TrimSpace(params); {
	case len(params) == 0:
		params = []byte("[]")
	case params[0] != '[' && want == 1:
		params = fmt.Appendf(nil, "[%s]", params)
	case params[0] != '[':
		return nil, Errorf(CodeInvalidParams, "%s takes %s in an array, not an object", m.name, plural(want, "argument"))
	}
	if m.variadic {
		args, rest := elements(params, want-1)
		if len(args) == want-1 {
			return append(args, m.variadicArgument(rest)), nil
		}
	}
	args, rest := elements(params, want+1) // how many a caller sends above that is not looked at
	switch got := len(args); {
	case got > want && rest[0] != ']':
		return nil, Errorf(CodeInvalidParams, "%s takes %s, not %d or more", m.name, plural(want, "argument"), got)
	case got != want:
		return nil, Errorf(CodeInvalidParams, "%s takes %s, not %d", m.name, plural(want, "argument"), got)
	}
	return args, nil
}

// variadicArgument returns the array of a variadic function's last arguments, given the rest
// of an array that has them: they may have come as an array, too.
func (m *method) variadicArgument(rest []byte) []byte {
	array := append([]byte{'['}, rest...)
	came, after := elements(array, 1)
	if len(came) == 1 && after[0] == ']' && came[0][0] == '[' && m.params[len(m.params)-1].Elem().Kind() != reflect.Slice {
		return came[0]
	}
	return array
}

// elements returns the first elements of a valid JSON array, at most so many, and what
// follows them, which ends with the bracket.
func elements(array []byte, most int) (found [][]byte, rest []byte) {
	s := scanner{array[1:]}
	for len(found) < most && s.peek() != ']' {
		before := s.rest
		s.skipValue()
		found = append(found, before[:len(before)-len(s.rest)])
		if s.peek() == ',' {
			s.next()
		}
	}
	s.peek()
	return found, s.rest
}

func (m *method) decodeArgument(i int, text []byte, target reflect.Value) error {
	if decodeScalar(text, target) {
		return nil
	}
	if err := json.Unmarshal(text, target.Addr().Interface()); err != nil {
		return Errorf(CodeInvalidParams, "argument %d of %s: %s", i+1, m.name, err)
	}
	return nil
}

func plural(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// each calls yield with every item of the iterator that call returned, until it returns an
// error, or the iterator yields one.
func (m *method) each(iterator any, yield func(item any) error) (err error) {
	step := func(args []reflect.Value) []reflect.Value {
		if len(args) == 2 {
			err, _ = args[1].Interface().(error)
		}
		if err == nil {
			err = yield(args[0].Interface())
		}
		return []reflect.Value{reflect.ValueOf(err == nil)}
	}
	seq := reflect.ValueOf(iterator)
	if seq.IsNil() {
		return nil
	}
	seq.Call([]reflect.Value{reflect.MakeFunc(seq.Type().In(0), step)})
	return err
}

// collect returns all items as an array, for callers that know no streams.
func (m *method) collect(iterator any, limit int) (any, error) {
	items, size := []json.RawMessage{}, 2
	err := m.each(iterator, func(item any) error {
		text, err := json.Marshal(item)
		if err != nil {
			return Errorf(CodeInternal, "an item of %s can't be sent: %s", m.name, err)
		}
		if size += len(text) + 1; size > limit {
			return Errorf(CodeTooLarge, "the items of %s exceed %d bytes; call it with %s", m.name, limit, streamMethod)
		}
		items = append(items, text)
		return nil
	})
	return items, err
}
