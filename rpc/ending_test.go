package rpc_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/rpc"
)

// faulty has methods that end as none should.
type faulty struct{ noted chan string }

func (faulty) Add(a, b int) int   { return a + b }
func (faulty) NilError() error    { var e *rpc.Error; return e }
func (faulty) Hostile() error     { return hostileError{} }
func (faulty) HostileIs() error   { return hostileIs{} }
func (faulty) HostileResult() any { return hostileResult{} }
func (faulty) Exit()              { runtime.Goexit() }
func (faulty) ExitInResult() any  { return exitingResult{} }
func (f faulty) Note(text string) { f.noted <- text }
func (f faulty) NoteAndExit()     { runtime.Goexit() }

type hostileError struct{}

func (hostileError) Error() string { panic("secret") }

type hostileIs struct{}

func (hostileIs) Error() string   { return "" }
func (hostileIs) Is(error) bool   { panic("secret") }
func (hostileIs) As(any) bool     { panic("secret") }
func (hostileIs) Unwrap() []error { panic("secret") }

type hostileResult struct{}

func (hostileResult) MarshalJSON() ([]byte, error) { panic("secret") }

type exitingResult struct{}

func (exitingResult) MarshalJSON() ([]byte, error) { runtime.Goexit(); return nil, nil }

// Whatever a method does to end, its call is answered and the server goes on.
func TestMethodsThatEndBadly(t *testing.T) {
	object := faulty{noted: make(chan string, 1)}
	c := inProcess(t, object, nil, nil)
	o := c.Object("Calc")
	for _, method := range []string{"NilError", "Hostile", "HostileIs", "HostileResult", "Exit", "ExitInResult"} {
		ctx, cancel := context.WithTimeout(background, 10*time.Second)
		_, err := rpc.Call[any](ctx, o, method)
		cancel()
		var e *rpc.Error
		if !errors.As(err, &e) || e.Code != rpc.CodeInternal || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", method, err)
		}
		n, err := rpc.Call[int](background, o, "Add", 1, 2)
		expect(t, n, err, 3)
	}
	if err := o.Notify(background, "NoteAndExit"); err != nil {
		t.Fatal(err)
	}
	if err := o.Notify(background, "Note", "after"); err != nil || <-object.noted != "after" {
		t.Fatal(err)
	}
}

// A goroutine that a method ended keeps Shutdown no longer than the call.
func TestShutdownAfterGoexit(t *testing.T) {
	s := must(rpc.NewServer(nil))
	if err := s.Register("Calc", faulty{}); err != nil {
		t.Fatal(err)
	}
	o := must(rpc.NewClient(background, served(t, s), nil)).Object("Calc")
	for range 10 {
		rpc.Call[any](background, o, "Exit")
		o.Notify(background, "NoteAndExit")
	}
	ctx, cancel := context.WithTimeout(background, 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
