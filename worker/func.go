package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
)

// kindWorker is the Kind of this package's errors.
const kindWorker = "worker"

// Func is a function of this program that runs in workers. [Define] and [DefineState]
// make them. All methods may be called concurrently, but Idempotent and Codecs are part
// of the definition.
type Func[In, Out any] struct {
	name       string
	index      uint16
	run        func(context.Context, In) (Out, error)
	end        func() error
	in         codec[In]
	out        codec[Out]
	custom     bool
	idempotent bool
	err        error // what is wrong with the definition
	defined    error // the part of err that no codec changes

	outs []Out // of a batch, in a worker
}

// Define makes f a function that workers run. Call it for a variable of a package, so that
// it is the same in every process of this program:
//
//	var Resize = worker.Define("resize", func(ctx context.Context, in Image) (Image, error) { … })
//
// A name names one function. In and Out may consist of numbers, bools, strings, slices,
// arrays, maps, pointers and structs of these, of errors, of [*Buffer], and of types that
// are an [encoding.BinaryMarshaler] or [encoding.TextMarshaler] and the unmarshaler to it.
// They are copied whole, fields that are not exported included. A struct that embeds such
// a type is copied field by field: what it marshals to may be that field alone. For others there is
// [Func.Codecs]. What is wrong with a definition is an error of [Start] and of each call.
// A function that is defined after the first Start fails each call: no worker has it.
//
// A worker calls one function at a time, so that a package's variables need no lock for
// f's sake. ctx ends when the caller's does, or when f returns. A panic of f ends the
// worker, and os.Exit too: the caller gets a [*Crash]. runtime.Goexit ends the call with
// an error, and the worker goes on.
func Define[In, Out any](name string, f func(ctx context.Context, in In) (Out, error)) *Func[In, Out] {
	return define(name, f, nil)
}

// DefineState is [Define] for a function with something that each process has one of: a
// connection, a model, a cache. open makes it when the process calls f for the first time,
// with the ctx of that call; if open fails so does the call, and the next one tries again.
// If S is an [io.Closer], it is closed when the pool ends the process, and not if that
// dies.
//
// State that several functions share is a variable of a package, with [sync.OnceValues].
func DefineState[S, In, Out any](name string, open func(context.Context) (S, error), f func(ctx context.Context, state S, in In) (Out, error)) *Func[In, Out] {
	s := &state[S]{open: open}
	return define(name, func(ctx context.Context, in In) (out Out, err error) {
		value, err := s.get(ctx)
		if err != nil {
			return out, err
		}
		return f(ctx, value, in)
	}, s.close)
}

func define[In, Out any](name string, f func(context.Context, In) (Out, error), end func() error) *Func[In, Out] {
	fn := &Func[In, Out]{name: name, run: f, end: end}
	var in, out, err error
	if f == nil {
		err = fmt.Errorf("the function is nil (%w)", os.ErrInvalid)
	}
	fn.in, in = newCodec[In]()
	fn.out, out = newCodec[Out]()
	index, twice := register(name, fn)
	fn.index = index
	fn.defined = errors.Join(err, twice)
	fn.err = errors.Join(fn.defined, in, out)
	return fn
}

// Idempotent says that calling f again with the same input does no harm, whether the call
// before was complete or not. Then calls are tried again whose worker died, as often as
// [Config.Retry] says, and [Func.Map] sends small inputs in batches. It returns f, and is
// part of the definition:
//
//	var Square = worker.Define("square", square).Idempotent()
func (f *Func[In, Out]) Idempotent() *Func[In, Out] {
	f.idempotent = true
	return f
}

// Codecs chooses how In and Out cross, for types that this package can't carry; nil leaves
// one as it is. It returns f, and is part of the definition: a codec is for a type, which a
// [Config] doesn't know, and both processes need it before there is a pool.
func (f *Func[In, Out]) Codecs(in Codec[In], out Codec[Out]) *Func[In, Out] {
	f.custom = true
	var inErr, outErr error
	if f.in = (codec[In]{other: in}); in == nil {
		f.in, inErr = newCodec[In]()
	}
	if f.out = (codec[Out]{other: out}); out == nil {
		f.out, outErr = newCodec[Out]()
	}
	f.err = errors.Join(f.defined, inErr, outErr)
	return f
}

// Name returns the name that f was defined with.
func (f *Func[In, Out]) Name() string { return f.name }

func (f *Func[In, Out]) describe() string {
	return fmt.Sprintf("%q: %v to %v", f.name, reflect.TypeFor[In](), reflect.TypeFor[Out]())
}

func (f *Func[In, Out]) invalid() error {
	if f.err == nil {
		return nil
	}
	return f.fail(fmt.Errorf("%w", f.err))
}

func (f *Func[In, Out]) fail(err error) error {
	return fail.With(breezeway.OpCall, kindWorker, f.name, err)
}

// Call calls f in a worker of on, a [*Pool] or [*Key], and waits for one that is free.
//
// An error that f returned comes as it is, or as a [*RemoteError]. Those of this package
// are [*breezeway.Error]: around a [*Crash] if the worker died; [os.ErrInvalid] for an
// input that can't be encoded and for what is wrong with the definition, [os.ErrClosed] if
// on is closed, [breezeway.ErrMismatch] for an answer that is no Out. If ctx ends the
// error is its cause, at once; the ctx of the function is cancelled, and it has
// [Config.Grace] to return.
func (f *Func[In, Out]) Call(ctx context.Context, on Target, in In) (Out, error) {
	return f.callAlone(ctx, on, in, leaveAtOnce)
}

// A call that is cancelled leaves its worker at once, or when its function has returned or
// was killed.
const (
	leaveAtOnce = false
	leaveLast   = true
)

func (f *Func[In, Out]) callAlone(ctx context.Context, on Target, in In, last bool) (out Out, err error) {
	if f == nil || f.run == nil || f.err != nil || on == nil {
		return out, f.unusable(on)
	}
	scratch := scratches.Get().(*scratch)
	defer scratch.put()
	if scratch.b, err = f.in.append(scratch.b[:headerSize], in); err != nil {
		return out, f.fail(fmt.Errorf("the input can't be sent (%w): %w", os.ErrInvalid, err))
	}
	for tries, unbegun := 0, 0; ; {
		out, err = f.callOnce(ctx, on, scratch.b, tries+unbegun > 0, last)
		crash := crashOf(err)
		switch {
		case crash == nil:
			return out, err
		case crash.unbegun && unbegun < mostUnbegun:
			unbegun++ // the call is not to blame, and has done nothing
		case f.idempotent && tries < on.retries():
			tries++
		default:
			crash.finish(on)
			return out, err
		}
	}
}

// mostUnbegun is how many workers may die, one after the other, before they begin with a
// call.
const mostUnbegun = 16

// callOnce sends a frame whose body is complete, for the first time or again, and decodes
// the answer.
func (f *Func[In, Out]) callOnce(ctx context.Context, on Target, frame []byte, again, last bool) (out Out, err error) {
	p, err := on.acquire(ctx, 1, again)
	if err != nil {
		return out, f.fail(err)
	}
	status, body, err := p.call(ctx, &f.name, f.index, frame, nil, last)
	if err != nil {
		return out, f.fail(err) // p is not ours any more
	}
	defer p.release() // also if a codec of the program's panics
	return f.result(p, status, body)
}

// result decodes an answer.
func (f *Func[In, Out]) result(p *process, status uint16, body []byte) (out Out, err error) {
	switch status {
	case statusDone:
		if out, err = f.out.decode(body); err != nil {
			return out, f.fail(fmt.Errorf("the answer is no %T: %w", out, err))
		}
		return out, nil
	case statusFailed:
		d := decoder{b: body}
		return out, decodeError(&d, f.name, p.pid)
	case statusGone:
		return out, f.fail(errGoexit)
	case statusRefused:
		return out, f.fail(fmt.Errorf("worker %d: %.1000s (%w)", p.pid, body, os.ErrInvalid))
	}
	return out, f.fail(errGarbled("the worker answers with an unknown status"))
}

var errGoexit = fmt.Errorf("the function called runtime.Goexit and returned nothing (%w)", os.ErrInvalid)

// unusable says what is wrong with f, or with what it is called on.
func (f *Func[In, Out]) unusable(on Target) error {
	switch {
	case f == nil:
		return fail.With(breezeway.OpCall, kindWorker, "", errNoFunc)
	case f.err != nil:
		return f.fail(f.err)
	case f.run == nil:
		return f.fail(errNoFunc)
	}
	return f.fail(errNoPool)
}

var (
	errNoFunc = fmt.Errorf("the Func is nil or zero; use one that Define returned (%w)", os.ErrInvalid)
	errNoPool = fmt.Errorf("the pool is nil or zero; use one that Start returned (%w)", os.ErrInvalid)
)

// crashOf returns the Crash in err, or nil.
func crashOf(err error) *Crash {
	if err == nil {
		return nil
	}
	var crash *Crash
	errors.As(err, &crash)
	return crash
}

// call is the worker's side.
func (f *Func[In, Out]) call(ctx *callContext, body, reply []byte) (uint16, []byte) {
	in, err := f.in.decode(body)
	if err != nil {
		return refuse(reply, fmt.Errorf("the input is no %T: %w", in, err))
	}
	out, err := f.run(ctx, in)
	if err != nil {
		return statusFailed, appendError(reply, err)
	}
	answer, err := f.out.append(reply, out)
	if err != nil {
		return refuse(reply, fmt.Errorf("the result can't be sent: %w", err))
	}
	return statusDone, answer
}

func refuse(reply []byte, err error) (uint16, []byte) {
	return statusRefused, append(reply[:headerSize], err.Error()...)
}

func (f *Func[In, Out]) close() error {
	if f.end == nil {
		return nil
	}
	return f.end()
}

// scratch is the memory that calls are encoded in.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return &scratch{make([]byte, headerSize, 512)} }}

// put gives s back unless it has grown large.
func (s *scratch) put() {
	if cap(s.b) <= 4*smallFrame {
		scratches.Put(s)
	}
}
