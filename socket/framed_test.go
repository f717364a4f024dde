package socket

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/frame"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// framedEcho sends back framed messages.
var framedEcho = ipctest.Helper("framed echo", func(c *ipctest.Control) error {
	conn, err := Dial(context.Background(), "tcp", c.Args[0], nil)
	if err != nil {
		return err
	}
	f, err := Framed(context.Background(), conn, 1<<20)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		message, err := f.Receive(nil)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.Send(message); err != nil {
			return err
		}
	}
})

func TestFramedBetweenProcesses(t *testing.T) {
	l := mustListen(t, endpoint{network: "tcp", address: func(testing.TB) string { return "127.0.0.1:0" }})
	p := ipctest.Start(t, framedEcho, l.Addr().String())
	c, err := l.AcceptContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f, err := Framed(t.Context(), c, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 16<<10 - 1, 16 << 10, 16<<10 + 1, 1 << 20} {
		message := bytes.Repeat([]byte{byte(size)}, size)
		if err := f.Send(message); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Receive([]byte("before ")); err != nil || !bytes.Equal(got, append([]byte("before "), message...)) {
			t.Fatalf("%d bytes: %d, %v", size, len(got), err)
		}
	}
	var large *breezeway.TooLargeError
	err = f.Send(make([]byte, 1<<20+1))
	if !errors.As(err, &large) || *large != (breezeway.TooLargeError{Size: 1<<20 + 1, Max: 1 << 20, Peer: true}) || !errors.Is(err, breezeway.ErrTooLarge) {
		t.Errorf("%#v, %v", large, err)
	}
	if err := f.Send([]byte("afterwards")); err != nil {
		t.Error(err)
	}
	if got, err := f.Receive(nil); string(got) != "afterwards" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	f.Close()
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// framedPair joins two by a connection without a buffer.
func framedPair(t *testing.T, maxA, maxB int) (a, b *FramedConn) {
	t.Helper()
	ca, cb := net.Pipe()
	made := make(chan error, 1)
	go func() {
		var err error
		b, err = Framed(t.Context(), cb, maxB)
		made <- err
	}()
	a, err := Framed(t.Context(), ca, maxA)
	if err := errors.Join(err, <-made); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestFramedLimits(t *testing.T) {
	a, b := framedPair(t, 100, 0)
	if a.MaxSend() != DefaultMaxMessage || b.MaxSend() != 100 {
		t.Errorf("%d, %d", a.MaxSend(), b.MaxSend())
	}
	tooLarge := []int{-1}
	if math.MaxInt > math.MaxUint32 {
		tooLarge = append(tooLarge, math.MaxInt)
	}
	for _, max := range tooLarge {
		if _, err := Framed(t.Context(), a.Conn(), max); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%d: %v", max, err)
		}
	}
}

// A deadline costs nothing.
func TestFramedDeadline(t *testing.T) {
	ca, cb := net.Pipe()
	defer ca.Close()
	go func() {
		io.CopyN(io.Discard, ca, int64(greetingSize))
		ca.Write(binary.LittleEndian.AppendUint32(greeting[:], 100))
		ca.Write([]byte{5, 0, 0, 0, 'h', 'e'})
	}()
	f, err := Framed(t.Context(), cb, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cb.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if got, err := f.Receive([]byte("b")); string(got) != "b" || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%q, %v", got, err)
	}
	cb.SetReadDeadline(time.Time{})
	go ca.Write([]byte("llo"))
	if got, err := f.Receive([]byte("b")); string(got) != "bhello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// What is no framed message is refused at once, and a peer that says nothing ends with
// the context.
func TestFramedStrangers(t *testing.T) {
	greet := func(b []byte) []byte { return append(binary.LittleEndian.AppendUint32(greeting[:], 100), b...) }
	otherVersion := bytes.Clone(greeting[:])
	otherVersion[7]++
	for name, test := range map[string]struct {
		sent []byte
		want error
	}{
		"HTTP":            {[]byte("POST / HTTP/1.1\r\n"), breezeway.ErrMismatch},
		"message mode":    {[]byte{0x89, 'B', 'W', 'M'}, breezeway.ErrMismatch},
		"another version": {otherVersion, breezeway.ErrMismatch},
		"nothing":         {nil, io.EOF},
		"cut greeting":    {greeting[:5], io.ErrUnexpectedEOF},
		"end":             {greet(nil), io.EOF},
		"cut header":      {greet([]byte{1, 0}), io.ErrUnexpectedEOF},
		"cut message":     {greet([]byte{3, 0, 0, 0, 'a'}), io.ErrUnexpectedEOF},
		"oversized":       {greet([]byte{0xff, 0xff, 0xff, 0xff}), breezeway.ErrTooLarge},
	} {
		ca, cb := net.Pipe()
		go io.Copy(io.Discard, ca)
		go func() {
			ca.Write(test.sent)
			ca.Close()
		}()
		f, err := Framed(t.Context(), cb, 100)
		if err == nil {
			_, err = f.Receive(nil)
			if _, again := f.Receive(nil); again != nil && err.Error() != again.Error() {
				t.Errorf("%s: first %v, then %v", name, err, again)
			}
		}
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		cb.Close()
	}
	ca, cb := net.Pipe()
	defer ca.Close()
	defer cb.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Framed(ctx, cb, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// Memory grows with what comes, not with what is announced.
func TestFramedMemory(t *testing.T) {
	head := []byte{0, 0, 0, 0x80, 'x'} // 2 GiB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		r := frame.NewReader(bytes.NewReader(head), frame.LittleEndian, 1<<32-1)
		if _, err := r.Next(nil); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if used := (after.TotalAlloc - before.TotalAlloc) / 20; used > 200<<10 {
		t.Errorf("%d bytes for a message of 1 byte", used)
	}
}

func FuzzFramed(f *testing.F) {
	f.Add(append(binary.LittleEndian.AppendUint32(greeting[:], 7), 3, 0, 0, 0, 'a', 'b', 'c'), 1)
	f.Add([]byte("GET / HTTP/1.0"), 0)
	f.Fuzz(func(t *testing.T, sent []byte, how int) {
		var in io.Reader = bytes.NewReader(sent)
		if how%2 == 1 {
			in = iotest.OneByteReader(in)
		}
		r := frame.NewReader(in, frame.LittleEndian, 1000)
		if _, err := readGreeting(r); err != nil {
			return
		}
		var total int
		for {
			message, err := r.Next(nil)
			if err != nil {
				break
			}
			total += len(message) + 4
			if len(message) > 1000 {
				t.Fatalf("a message of %d bytes", len(message))
			}
		}
		if total > len(sent)-greetingSize || strings.HasPrefix(string(sent), "GET") {
			t.Errorf("%d bytes of messages in %d", total, len(sent))
		}
	})
}
