package ipctest

import (
	"errors"
	"io"
	"net"
	"testing"
)

// TestListener checks that a kind of listener keeps what every listener of the
// module promises. listen returns a new one at a name of its own, or at the name
// of before, if that is not nil and closed; dial connects to it.
func TestListener(t *testing.T, listen func(before net.Listener) (net.Listener, error), dial func(l net.Listener) (net.Conn, error)) {
	fresh := func(t *testing.T) net.Listener {
		t.Helper()
		l, err := listen(nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	t.Run("client gone before Accept", func(t *testing.T) {
		l := fresh(t)
		c, err := dial(l)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, "gone already"); err != nil {
			t.Fatal(err)
		}
		c.Close()
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got, err := io.ReadAll(s); string(got) != "gone already" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("Close ends its own Accept only", func(t *testing.T) {
		l, other := fresh(t), fresh(t)
		ended, undisturbed := accepting(l), accepting(other)
		for range 2 {
			if err := l.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("pending Accept: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
		select {
		case err := <-undisturbed:
			t.Errorf("another listener's Accept ended: %v", err)
			return
		default:
		}
		c, err := dial(other)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := <-undisturbed; err != nil {
			t.Errorf("another listener: %v", err)
		}
	})
	// What this leaves behind Main finds.
	t.Run("a thousand times", func(t *testing.T) {
		var l net.Listener
		for range Count(1000) {
			next, err := listen(l)
			if err != nil {
				t.Fatal(err)
			}
			l = next
			accepted := accepting(l)
			c, err := dial(l)
			if err != nil {
				t.Fatal(err)
			}
			if err := <-accepted; err != nil {
				t.Fatal(err)
			}
			c.Close()
			ended := accepting(l)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Fatal(err)
			}
		}
	})
}

// accepting starts an Accept, closes what it returns, and reports how it ended.
func accepting(l net.Listener) <-chan error {
	result := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			c.Close()
		}
		result <- err
	}()
	return result
}
