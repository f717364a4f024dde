package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/fail"
	"github.com/breezeway-ipc/breezeway/shm"
)

// Latest is a value of type T that one process replaces again and again, while any number
// of processes read what was stored last. Its methods may be called concurrently.
type Latest[T any] interface {
	// Load returns the newest value, and its version, which counts the stores. Version 0 is
	// the zero value: nothing was stored.
	Load(ctx context.Context) (v T, version uint64, err error)

	// Wait returns the newest value as soon as its version is larger than after.
	Wait(ctx context.Context, after uint64) (v T, version uint64, err error)

	// TryWriter returns the right to store, which one process has at a time. It fails at
	// once, with [os.ErrExist], while another process has it, or this one already.
	TryWriter(ctx context.Context) (LatestWriter[T], error)

	// Close ends the use of the value in this process. The value stays.
	Close() error
}

// LatestWriter is the right to store. Its methods are for one goroutine at a time, but for
// Close.
type LatestWriter[T any] interface {
	Store(ctx context.Context, v T) error
	Close() error // gives the right up
}

// Cell is [Latest] without a type, for a scheme that [Register] adds: the value is bytes,
// which are JSON.
type Cell = Latest[json.RawMessage]

// OpenLatest opens the latest value at a URL. With the option create it makes one if there
// is none. The caller closes it. Locally T is a type that package mmap lists as one for
// shared memory; a scheme that was registered has it as JSON.
//
// It fails as the scheme's package does, with [breezeway.ErrMismatch] if the value has
// another type, for instance; with [os.ErrInvalid] for a bad URL, and with
// [errors.ErrUnsupported] for a scheme without latest values.
func OpenLatest[T any](ctx context.Context, url string) (Latest[T], error) {
	return what[Latest[T]]{breezeway.OpOpen, "latest values", openerOf[T]}.open(ctx, url, nil)
}

// openerOf returns how a scheme opens a value of type T. The local one knows the type.
func openerOf[T any](s *Scheme) func(context.Context, *URL) (Latest[T], error) {
	switch {
	case s == &latestScheme:
		return openLocal[T]
	case s.OpenLatest == nil:
		return nil
	}
	return func(ctx context.Context, u *URL) (Latest[T], error) {
		cell, err := s.OpenLatest(ctx, u)
		if err != nil {
			return nil, err
		}
		return decoded[T]{cell}, nil
	}
}

var latestScheme = Scheme{Name: "latest", Options: []string{"allow", "create", "mode", "trust"}}

func openLocal[T any](_ context.Context, u *URL) (Latest[T], error) {
	cfg := &shm.Config{Mode: u.Mode("mode"), Allow: u.Texts("allow"), Trust: u.Texts("trust")}
	openIt := shm.OpenLatest[T]
	if u.Bool("create") {
		openIt = shm.OpenOrCreateLatest[T]
	}
	if u.err != nil {
		return nil, u.err
	}
	l, err := openIt(u.Name, cfg)
	switch {
	case errors.Is(err, os.ErrNotExist) && !u.Bool("create"):
		return nil, fail.With(breezeway.OpOpen, "latest", u.Name, fmt.Errorf("no such latest value; the option create makes one: %s://%s?create (%w)", u.Scheme, u.Name, os.ErrNotExist))
	case err != nil:
		return nil, err
	}
	return localLatest[T]{l}, nil
}

// localLatest is a shm.Latest, which waits for nothing but a new value.
type localLatest[T any] struct{ *shm.Latest[T] }

func (l localLatest[T]) Load(context.Context) (T, uint64, error) { return l.Latest.Load() }

func (l localLatest[T]) TryWriter(context.Context) (LatestWriter[T], error) {
	w, err := l.Latest.TryWriter()
	if err != nil {
		return nil, err
	}
	return localWriter[T]{w}, nil
}

type localWriter[T any] struct{ *shm.LatestWriter[T] }

func (w localWriter[T]) Store(_ context.Context, v T) error { return w.LatestWriter.Store(v) }

// decoded is a Cell whose bytes are a T in JSON.
type decoded[T any] struct{ cell Cell }

func (d decoded[T]) Load(ctx context.Context) (T, uint64, error) {
	return decode[T](d.cell.Load(ctx))
}

func (d decoded[T]) Wait(ctx context.Context, after uint64) (T, uint64, error) {
	return decode[T](d.cell.Wait(ctx, after))
}

func (d decoded[T]) TryWriter(ctx context.Context) (LatestWriter[T], error) {
	w, err := d.cell.TryWriter(ctx)
	if err != nil {
		return nil, err
	}
	return encoder[T]{w}, nil
}

func (d decoded[T]) Close() error { return d.cell.Close() }

func decode[T any](text json.RawMessage, version uint64, err error) (v T, _ uint64, _ error) {
	if err != nil || version == 0 {
		return v, version, err
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, version, fmt.Errorf("the value is no %T: %w", v, err)
	}
	return v, version, nil
}

type encoder[T any] struct{ LatestWriter[json.RawMessage] }

func (e encoder[T]) Store(ctx context.Context, v T) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return e.LatestWriter.Store(ctx, text)
}
