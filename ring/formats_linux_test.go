package ring

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// cEcho starts the C program that answers on two rings.
func cEcho(t *testing.T, there, back *core) *ipctest.Process {
	t.Helper()
	program := ipctest.C(t, "testdata/echo.c")
	p := ipctest.StartCommand(t, program(there.o.File().Name(), back.o.File().Name()))
	p.Expect("ready")
	return p
}

// A C program that knows docs/ring.h receives from a live ring of bytes and sends to
// another, of which the last messages find the ring full or empty by turns.
func TestCProgramOnARingOfBytes(t *testing.T) {
	there, back := newBytes(t, &Config{CapacityBytes: 4096}), newBytes(t, &Config{CapacityBytes: 4096})
	p := cEcho(t, there.c, back.c)
	out, in := must[*BytesSender](t)(there.Sender()), must[*BytesReceiver](t)(back.Receiver())
	if _, err := there.Receiver(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a receiver beside the C program's: %v", err)
	}
	if _, err := back.Sender(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a sender beside the C program's: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	const n = 5000
	message := func(i int) []byte {
		if i == n-1 {
			return nil // the last one
		}
		return bytes.Repeat([]byte{byte(i), byte(i >> 8), 1}, 1+i%600)
	}
	sent := make(chan error)
	go func() {
		for i := range n {
			m := message(i)
			l, err := out.Loan(ctx, len(m))
			if err == nil {
				copy(l.Bytes(), m)
				err = l.Send()
			}
			if err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i := range n {
		want := message(i)
		slices.Reverse(want)
		s := must[BytesSample](t)(in.Receive(ctx))
		if !bytes.Equal(s.Bytes(), want) {
			t.Fatalf("answer %d: %d bytes, want %d", i, len(s.Bytes()), len(want))
		}
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(<-sent, p.Wait()); err != nil {
		t.Fatal(err)
	}
}

// The same with values of a type, which in C is a struct; and then a Go process goes on
// where the C program has stopped.
func TestCProgramOnARingOfValues(t *testing.T) {
	type value [3]uint64
	there, back := newRing[value](t, &Config{Capacity: 4}), newRing[value](t, &Config{Capacity: 4})
	p := cEcho(t, there.c, back.c)
	out, in := must[*Sender[value]](t)(there.Sender()), must[*Receiver[value]](t)(back.Receiver())
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	const n = 1000
	for i := n - 1; i >= 0; i-- {
		l := must[Loan[value]](t)(out.Loan(ctx))
		*l.Value() = value{uint64(i), 0, uint64(i)}
		if err := l.Send(); err != nil {
			t.Fatal(err)
		}
		s := must[Sample[value]](t)(in.Receive(ctx))
		if v := s.Value(); v[0]>>48 != uint64(i&0xff)<<8|uint64(i>>8) || v[1] != 0 || v[0] != v[2] {
			t.Fatalf("the answer to %#x is %#x", i, *v)
		}
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	s := must[*Sender[value]](t)(again(back.Sender))
	l := must[Loan[value]](t)(s.Loan(ctx))
	*l.Value() = value{7}
	if err := l.Send(); err != nil {
		t.Fatal(err)
	}
	if v := must[Sample[value]](t)(in.Receive(ctx)); v.Value()[0] != 7 {
		t.Errorf("received %v", *v.Value())
	}
}
