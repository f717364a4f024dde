package rpc_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/rpc"
)

func TestCallBetweenProcesses(t *testing.T) {
	c, p := connect(t)
	o := c.Object("Calc")
	pid, err := rpc.Call[int](background, o, "PID")
	expect(t, pid, err, p.Process.Pid)
	n, err := rpc.Call[int](background, o, "Add", 1, 2)
	expect(t, n, err, 3)
	moved, err := rpc.Call[point](background, o, "Move", point{1, 2})
	expect(t, moved, err, point{2, 3})
	n, err = rpc.Call[int](background, o, "Sum", 1, 2, 3)
	expect(t, n, err, 6)
	n, err = rpc.Call[int](background, o, "Sum")
	expect(t, n, err, 0)
	n, err = rpc.Call[int](background, o, "Sum", []int{4, 5})
	expect(t, n, err, 9)
}

func TestErrorsHaveCodeAndData(t *testing.T) {
	c, _ := connect(t)
	o := c.Object("Calc")
	_, err := rpc.Call[int](background, o, "Div", 1, 0)
	var e *rpc.Error
	if !errors.As(err, &e) || e.Code != 42 || e.Message != "division by zero" || string(e.Data) != `{"a":1}` {
		t.Errorf("%v", err)
	}
	for _, test := range []struct {
		method string
		args   []any
		code   int
		is     error
		says   string
	}{
		{"Fail", nil, rpc.CodeFailed, nil, "it failed"},
		{"Panic", nil, rpc.CodeInternal, nil, "Panic panicked"},
		{"Missing", nil, rpc.CodeMethodNotFound, errors.ErrUnsupported, "it has Add, Ask"},
		{"Add", []any{1}, rpc.CodeInvalidParams, os.ErrInvalid, "Add takes 2 arguments, not 1"},
		{"Add", []any{1, "x"}, rpc.CodeInvalidParams, os.ErrInvalid, "argument 2 of Add"},
		{"Add", []any{1, 2, 3}, rpc.CodeInvalidParams, os.ErrInvalid, "not 3"},
	} {
		_, err := rpc.Call[any](background, o, test.method, test.args...)
		if !errors.As(err, &e) || e.Code != test.code || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", test.method, err)
		}
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v is not %v", test.method, err, test.is)
		}
	}
	_, err = rpc.Call[string](background, o, "Add", 1, 2)
	ipctest.WantError(t, err, breezeway.ErrMismatch, "not what the caller expects")
	_, err = rpc.Call[int](background, o, "Add", make(chan int), 2)
	ipctest.WantError(t, err, os.ErrInvalid, "can't be sent")
	if _, err := rpc.Call[any](background, c.Object("Clac"), "Add", 1, 2); err == nil || !strings.Contains(err.Error(), `there is no "Clac.Add"; there is Calc`) {
		t.Errorf("%v", err)
	}
}

// A call that is cancelled ends at once, at both ends, and leaves the others alone.
func TestCancelOfOneCall(t *testing.T) {
	c, p := connect(t)
	o := c.Object("Calc")
	other := make(chan error, 1)
	stay, leave := context.WithCancel(background)
	defer leave()
	go func() { _, err := rpc.Call[any](stay, o, "Block"); other <- err }()
	p.Expect("entered")

	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(background)
	ended := make(chan error, 1)
	go func() { _, err := rpc.Call[any](ctx, o, "Block"); ended <- err }()
	p.Expect("entered")
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	p.Expect("cancelled")
	select {
	case err := <-other:
		t.Errorf("the other call ended: %v", err)
	default:
	}
	n, err := rpc.Call[int](background, o, "Add", 1, 2)
	expect(t, n, err, 3)
	leave()
	if err := <-other; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	p.Expect("cancelled")
}

func TestNotificationsInOrder(t *testing.T) {
	c, _ := connect(t)
	o := c.Object("Calc")
	const n = 1000
	for i := range n {
		if err := o.Notify(background, "Note", sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for deadline := time.Now().Add(ipctest.Patience); len(got) < n; { // a call doesn't wait for them
		var err error
		if got, err = rpc.Call[[]string](background, o, "Notes"); err != nil || time.Now().After(deadline) {
			t.Fatal(len(got), err)
		}
	}
	for i, text := range got {
		if text != sprint(i) {
			t.Fatalf("%s came as number %d", text, i)
		}
	}
}

type oracle struct{}

func (oracle) Answer(question string) string { return question + " 42" }

func TestCallback(t *testing.T) {
	c, _ := connect(t)
	if err := c.Register("Oracle", oracle{}); err != nil {
		t.Fatal(err)
	}
	answer, err := rpc.Call[string](background, c.Object("Calc"), "Ask", "what?")
	expect(t, answer, err, "what? 42!")
}

func TestStream(t *testing.T) {
	c, _ := connect(t)
	o := c.Object("Calc")
	const n = 1000 // many windows
	next := 0
	for i, err := range rpc.Stream[int](background, o, "Count", n) {
		expect(t, i, err, next)
		next++
	}
	if next != n {
		t.Errorf("%d items", next)
	}
	for i, err := range rpc.Stream[int](background, o, "Count", 1<<30) { // would take for ever
		if expect(t, i, err, i); i == 100 {
			break
		}
	}
	var items []string
	var last error
	for item, err := range rpc.Stream[string](background, o, "Break") {
		items, last = append(items, item), err
	}
	var e *rpc.Error
	if !slices.Equal(items, []string{"a", "b", ""}) || !errors.As(last, &e) || e.Code != 7 {
		t.Errorf("%q, %v", items, last)
	}
	for sum, err := range rpc.Stream[int](background, o, "Add", 1, 2) { // no stream
		expect(t, sum, err, 3)
	}
	all, err := rpc.Call[[]int](background, o, "Count", 3) // no Stream
	if err != nil || !slices.Equal(all, []int{0, 1, 2}) {
		t.Errorf("%v, %v", all, err)
	}
}
