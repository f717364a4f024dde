package pipe

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// drained waits until what c wrote counts as read.
func drained(t *testing.T, c *Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	if err := c.Drain(ctx); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Drain: %v", err)
	}
}

// undrained expects that what c wrote does not count as read yet.
func undrained(t *testing.T, c *Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := c.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Drain: %v, want the context's end", err)
	}
}

// confirming returns the ends of a connection whose server confirms what it reads.
func confirming(t *testing.T, message bool) (client, server *Conn) {
	t.Helper()
	client, server, err := connected(t, &Config{Message: message}, &Config{Message: message, Confirm: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func eachMode(t *testing.T, test func(t *testing.T, message bool)) {
	t.Run("bytes", func(t *testing.T) { test(t, false) })
	t.Run("messages", func(t *testing.T) { test(t, true) })
}

// What was read counts as read when the next Read or Confirm says so, however many
// bytes it was.
func TestReadIsConfirmedByTheNext(t *testing.T) {
	eachMode(t, func(t *testing.T, message bool) {
		client, server := confirming(t, message)
		buf := make([]byte, 100<<10)
		for _, size := range []int{1, 2, 5, 4096, 60_000} {
			text := strings.Repeat("x", size-1) + "."
			io.WriteString(client, text)
			n, err := io.ReadAtLeast(server, buf, size)
			if string(buf[:n]) != text || err != nil {
				t.Fatalf("%d bytes: %d, %v", size, n, err)
			}
			undrained(t, client)
			if err := server.Confirm(); err != nil {
				t.Error(err)
			}
			drained(t, client)
		}
		io.WriteString(client, "last")
		if n, err := server.Read(buf); string(buf[:n]) != "last" || err != nil {
			t.Errorf("%q, %v", buf[:n], err)
		}
		// A deadline that has passed keeps nothing from being confirmed.
		server.SetReadDeadline(time.Unix(1, 0))
		if n, err := server.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		drained(t, client)
		client.Close()
		server.SetReadDeadline(time.Time{})
		if n, err := server.Read(buf); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
	})
}

func TestCloseWithoutConfirming(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("the system doesn't say what was read")
	}
	if ipctest.UnderWine() {
		t.Skip("Wine sometimes lets a flush succeed although the server closed without reading")
	}
	eachMode(t, func(t *testing.T, message bool) {
		client, server := confirming(t, message)
		io.WriteString(client, "one")
		io.WriteString(client, "two")
		buf := make([]byte, 6)
		if _, err := server.Read(buf); err != nil {
			t.Fatal(err)
		}
		result := make(chan error)
		go func() { result <- client.Drain(t.Context()) }()
		undrained(t, client)
		server.Close()
		if err := <-result; !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Drain: %v, want io.ErrClosedPipe", err)
		}
	})
}

func TestConfirmedMessages(t *testing.T) {
	client, server := confirming(t, true)
	want := []string{"one", "", strings.Repeat("big", 1<<20), "x", "", "end"}
	go func() {
		for _, m := range want {
			io.WriteString(client, m)
		}
	}()
	for _, m := range want {
		if got, err := server.ReadMessage(nil); string(got) != m || err != nil {
			t.Fatalf("%d bytes, %v, want %d", len(got), err, len(m))
		}
	}
	undrained(t, client)
	// The part of a message that was read is confirmed by the next part.
	server.Confirm()
	io.WriteString(client, "in parts")
	for _, part := range []struct {
		text string
		err  error
	}{{"in ", ErrMoreData}, {"par", ErrMoreData}, {"ts", nil}} {
		buf := make([]byte, 3)
		if n, err := server.Read(buf); string(buf[:n]) != part.text || err != part.err {
			t.Errorf("%q, %v, want %q, %v", buf[:n], err, part.text, part.err)
		}
	}
	undrained(t, client)
	server.Confirm()
	drained(t, client)
}

func TestConfirmedBytesBothWays(t *testing.T) {
	client, server, err := connected(t, &Config{Confirm: true}, &Config{Confirm: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	go func() {
		io.Copy(server, server)
		server.Close()
	}()
	text := strings.Repeat("0123456789", 1<<15)
	go io.WriteString(client, text)
	got := make([]byte, len(text))
	if _, err := io.ReadFull(client, got); string(got) != text || err != nil {
		t.Errorf("%v", err)
	}
}

func TestConfirmNeedsAnEndThatReads(t *testing.T) {
	if l, err := Listen(ipctest.UniqueName(), &Config{Confirm: true, Direction: Out}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("%v, %v", l, err)
	}
}

// The text of an end in the other mode is not taken, and so not believed to be read.
func TestOtherModeIsNotTaken(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system converts between the modes")
	}
	eachMode(t, func(t *testing.T, message bool) {
		for _, text := range []string{"x", "hello\n", strings.Repeat("x", 50_000)} {
			client, server, err := connected(t, &Config{Message: message}, &Config{Message: !message})
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(client, text)
			if _, err := server.Read(make([]byte, 100<<10)); err == nil {
				t.Errorf("%d bytes were taken", len(text))
			}
			undrained(t, client)
			server.Close()
			if err := client.Drain(t.Context()); !errors.Is(err, io.ErrClosedPipe) && runtime.GOOS == "linux" {
				t.Errorf("Drain: %v", err)
			}
			client.Close()
		}
	})
}

func TestPeerClosed(t *testing.T) {
	eachMode(t, func(t *testing.T, message bool) {
		client, server, err := connected(t, &Config{Message: message}, &Config{Message: message})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		io.WriteString(client, "last words")
		if client.PeerClosed() || server.PeerClosed() {
			t.Error("closed too early")
		}
		client.Close()
		if !server.PeerClosed() {
			t.Error("not closed")
		}
		buf := make([]byte, 100)
		if n, err := server.Read(buf); string(buf[:n]) != "last words" || err != nil {
			t.Errorf("%q, %v", buf[:n], err)
		}
		if !server.PeerClosed() {
			t.Error("not closed any more")
		}
	})
}
