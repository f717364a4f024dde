package pipe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
)

// TestZeroValues calls every method of the exported types on nil and on the zero
// value: errors are os.ErrInvalid, and nothing panics.
func TestZeroValues(t *testing.T) {
	for _, v := range []any{
		(*Conn)(nil), new(Conn),
		(*Listener)(nil), new(Listener),
		(*DuplexConn)(nil), new(DuplexConn),
		(*FIFO)(nil), new(FIFO),
		(*Pipeline)(nil), new(Pipeline),
		Direction(0), Addr(""),
	} {
		value := reflect.ValueOf(v)
		for i := range value.NumMethod() {
			method := value.Type().Method(i)
			t.Run(fmt.Sprintf("%T %v/%s", v, describe(value), method.Name), func(t *testing.T) {
				for _, result := range value.Method(i).Call(arguments(method.Type)) {
					if result.Type() == reflect.TypeFor[error]() {
						checkZeroError(t, result.Interface())
					}
				}
			})
		}
	}
	if p := new(Conn).Peer(); p.UID != -1 || p.GID != -1 {
		t.Errorf("a zero Conn's peer is %v", p)
	}
	for _, a := range []net.Addr{new(Conn).LocalAddr(), new(Listener).Addr(), new(DuplexConn).RemoteAddr()} {
		if a == nil || a.String() != "" {
			t.Errorf("the address of a zero value is %v", a)
		}
	}
}

func describe(v reflect.Value) string {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return "nil"
	}
	return "zero"
}

// arguments makes what a method takes besides its receiver.
func arguments(method reflect.Type) (args []reflect.Value) {
	for i := 1; i < method.NumIn(); i++ {
		switch in := method.In(i); in {
		case reflect.TypeFor[context.Context]():
			args = append(args, reflect.ValueOf(context.Background()))
		case reflect.TypeFor[[]byte]():
			args = append(args, reflect.ValueOf([]byte("x")))
		case reflect.TypeFor[time.Time]():
			args = append(args, reflect.ValueOf(time.Unix(1, 0)))
		default:
			args = append(args, reflect.Zero(in))
		}
	}
	return args
}

func checkZeroError(t *testing.T, result any) {
	t.Helper()
	err, _ := result.(error)
	var ours *breezeway.Error
	if !errors.Is(err, os.ErrInvalid) || !errors.As(err, &ours) {
		t.Errorf("%v (%T), want a *breezeway.Error that is os.ErrInvalid", err, err)
	} else if strings.Count(err.Error(), "invalid argument") != 1 || ours.Op == "" || ours.Kind == "" {
		t.Errorf("%q", err)
	}
}
