package ipctest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// TestConn checks that a kind of connection keeps what every stream of the
// module promises: what [nettest.TestConn] checks, and how streams end. connect
// returns both ends of a new connection, which may buffer.
func TestConn(t *testing.T, connect func() (a, b net.Conn, err error)) {
	t.Run("nettest", func(t *testing.T) {
		nettest.TestConn(t, func() (a, b net.Conn, stop func(), err error) {
			a, b, err = connect()
			return a, b, func() { a.Close(); b.Close() }, err
		})
	})
	TestConnOfOurs(t, connect)
}

// TestConnOfOurs is TestConn without nettest.
func TestConnOfOurs(t *testing.T, connect func() (a, b net.Conn, err error)) {
	for name, test := range map[string]func(*testing.T, net.Conn, net.Conn){
		"end":               testEnd,
		"write to a closed": testWriteToClosed,
		"use after Close":   testUseAfterClose,
		"deadlines":         testDeadlines,
		"arrived bytes":     testArrivedBytes,
		"empty Read":        testEmptyRead,
		"many goroutines":   testManyGoroutines,
	} {
		t.Run(name, func(t *testing.T) {
			a, b, err := connect()
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			defer b.Close()
			test(t, a, b)
		})
	}
}

// What was written before Close is read after it, and then a bare io.EOF.
func testEnd(t *testing.T, a, b net.Conn) {
	reading := make(chan error, 1)
	var got []byte
	go func() {
		buf := make([]byte, 3) // smaller than what comes
		for {
			n, err := b.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil {
				reading <- err
				return
			}
		}
	}()
	if _, err := io.WriteString(a, "last words"); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := <-reading; err != io.EOF || string(got) != "last words" {
		t.Errorf("read %q, %v", got, err)
	}
}

func testWriteToClosed(t *testing.T, a, b net.Conn) {
	b.Close()
	// The system may take some before it notices.
	var err error
	for range 1000 {
		if _, err = a.Write(make([]byte, 64<<10)); err != nil {
			break
		}
	}
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v, want io.ErrClosedPipe", err)
	}
}

func testUseAfterClose(t *testing.T, a, b net.Conn) {
	pending := make(chan error, 1)
	go func() {
		_, err := a.Read(make([]byte, 1))
		pending <- err
	}()
	for range 2 {
		if err := a.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	_, readErr := a.Read(make([]byte, 1))
	_, writeErr := a.Write(make([]byte, 1))
	for call, err := range map[string]error{
		"pending Read": <-pending, "Read": readErr, "Write": writeErr,
		"SetDeadline": a.SetDeadline(time.Time{}),
	} {
		if !isClosed(err) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// A deadline says what it is, and costs no data.
func testDeadlines(t *testing.T, a, b net.Conn) {
	b.SetReadDeadline(time.Unix(1, 0))
	_, err := b.Read(make([]byte, 1))
	var netErr net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &netErr) || !netErr.Timeout() {
		t.Errorf("past deadline: %v", err)
	}
	b.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("coming deadline: %v", err)
	}
	b.SetReadDeadline(time.Time{})
	if _, err := io.WriteString(a, "x"); err != nil {
		t.Fatal(err)
	}
	var got [1]byte
	if _, err := io.ReadFull(b, got[:]); err != nil || got[0] != 'x' {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

// Bytes that have arrived are not read after the deadline, nor after Close, however
// far they have come. A deadline keeps them.
func testArrivedBytes(t *testing.T, a, b net.Conn) {
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() { io.WriteString(a, "0123456789") }) // the end may come first
	buf := make([]byte, 10)
	if _, err := io.ReadFull(b, buf[:1]); err != nil {
		t.Fatal(err)
	}
	b.SetReadDeadline(time.Unix(1, 0))
	if n, err := b.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %q, %v", buf[:n], err)
	}
	b.SetReadDeadline(time.Time{})
	if _, err := io.ReadFull(b, buf[:4]); err != nil || string(buf[:4]) != "1234" {
		t.Errorf("without a deadline again: %q, %v", buf[:4], err)
	}
	b.Close()
	if n, err := b.Read(buf); n != 0 || !isClosed(err) {
		t.Errorf("after Close: %q, %v", buf[:n], err)
	}
}

// A Read into nothing waits for nothing, takes nothing and says only whether the
// connection is closed.
func testEmptyRead(t *testing.T, a, b net.Conn) {
	read := func(when string) {
		t.Helper()
		if n, err := b.Read(nil); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", when, n, err)
		}
	}
	read("nothing has arrived")
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() { io.WriteString(a, "0123456789") })
	for i := range 10 {
		read("bytes may have arrived")
		var got [1]byte
		if _, err := io.ReadFull(b, got[:]); err != nil || got[0] != byte('0'+i) {
			t.Errorf("byte %d: %q, %v", i, got, err)
		}
	}
	a.Close()
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	read("the other end is closed")
	b.Close()
	if _, err := b.Read(nil); !isClosed(err) {
		t.Errorf("after Close: %v", err)
	}
}

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) }

// Several goroutines read and write both ends at the same time.
func testManyGoroutines(t *testing.T, a, b net.Conn) {
	const goroutines, each, size = 4, 200, 3000
	const total = 2 * goroutines * each * size
	var all sync.WaitGroup
	var mu sync.Mutex
	var arrived int
	for _, c := range []net.Conn{a, b} {
		for range goroutines {
			all.Go(func() {
				for range each {
					if n, err := c.Write(make([]byte, size)); n != size || err != nil {
						t.Errorf("wrote %d, %v", n, err)
					}
				}
			})
			all.Go(func() {
				buf := make([]byte, 1000)
				for {
					n, err := c.Read(buf)
					mu.Lock()
					if arrived += n; arrived == total {
						// Nothing more comes: the other readers may go.
						a.SetReadDeadline(time.Unix(1, 0))
						b.SetReadDeadline(time.Unix(1, 0))
					}
					mu.Unlock()
					if err != nil {
						if !errors.Is(err, os.ErrDeadlineExceeded) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
	}
	all.Wait()
	if arrived != total {
		t.Errorf("%d of %d bytes arrived", arrived, total)
	}
}
