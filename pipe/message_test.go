package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

var messages = &Config{Message: true}

func connectedMessages(t testing.TB, cfg *Config) (client, server *Conn) {
	t.Helper()
	client, server, err := connected(t, cfg, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// messenger sends the messages of a conversation whose boundaries matter.
var messenger = ipctest.Helper("messenger", func(c *ipctest.Control) error {
	conn, err := Dial(context.Background(), c.Args[0], messages)
	if err != nil {
		return err
	}
	for _, m := range conversation {
		if n, err := io.WriteString(conn, m); n != len(m) || err != nil {
			return fmt.Errorf("wrote %d of %d: %v", n, len(m), err)
		}
	}
	return conn.Close()
})

var conversation = []string{"one", "", "three", strings.Repeat("big", DefaultMaxMessage/3), "", ""}

func TestMessages(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, messages)
	p := ipctest.Start(t, messenger, name)
	c := mustAccept(t, l)
	buf := make([]byte, 4)
	for _, want := range []struct {
		text string
		err  error
	}{{"one", nil}, {"", nil}, {"thre", ErrMoreData}, {"e", nil}} {
		n, err := c.Read(buf)
		if string(buf[:n]) != want.text || err != want.err {
			t.Fatalf("read %q, %v; want %q, %v", buf[:n], err, want.text, want.err)
		}
	}
	got, err := c.ReadMessage([]byte("kept "))
	if err != nil || string(got) != "kept "+conversation[3] {
		t.Fatalf("big message: %d bytes, %v", len(got), err)
	}
	// Empty messages just before the end are messages too.
	for i := range 2 {
		if n, err := c.Read(buf); n != 0 || err != nil {
			t.Fatalf("empty message %d: %d, %v", i, n, err)
		}
	}
	if _, err := c.Read(buf); err != io.EOF {
		t.Fatalf("at the end: %v", err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestMessageTooLarge(t *testing.T) {
	client, server := connectedMessages(t, &Config{Message: true, MaxMessage: 100})
	if n, err := client.Write(make([]byte, 101)); n != 0 || !errors.Is(err, breezeway.ErrTooLarge) {
		t.Errorf("%d, %v", n, err)
	}
	// Nothing of it was sent, and the pipe is as good as before.
	io.WriteString(client, "fits")
	if got, err := server.ReadMessage(nil); string(got) != "fits" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestMessagesDontMix(t *testing.T) {
	client, server := connectedMessages(t, messages)
	const writers, each = 4, 50
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				m := bytes.Repeat([]byte{byte('a' + w)}, 1+i*997)
				if _, err := client.Write(m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sizes := map[byte]int{}
	for range writers * each {
		m, err := server.ReadMessage(nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := bytes.Repeat(m[:1], len(m)); !bytes.Equal(m, want) || len(m) != 1+sizes[m[0]]*997 {
			t.Fatalf("message of %d bytes starts with %q and is mixed or out of order", len(m), m[0])
		}
		sizes[m[0]]++
	}
	writing.Wait()
}

// A deadline in the middle of a message must not lose what has arrived.
func TestMessageReadDeadline(t *testing.T) {
	client, server := connectedMessages(t, messages)
	server.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	server.SetReadDeadline(time.Time{})
	io.WriteString(client, "after the deadline")
	if got, err := server.ReadMessage(nil); string(got) != "after the deadline" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
}

// timedOut makes c what a ReadMessage leaves whose time is over after so many bytes.
func timedOut(t *testing.T, c *Conn, n int) {
	t.Helper()
	begun := make([]byte, n)
	if got, err := c.Read(begun); got != n || err != ErrMoreData {
		t.Fatalf("%d, %v", got, err)
	}
	c.begun = begun
}

func TestReadMessageAfterTimeOutInItsMiddle(t *testing.T) {
	client, server := connectedMessages(t, messages)
	for _, m := range []string{"cut in the middle", "next"} {
		io.WriteString(client, m)
	}
	timedOut(t, server, 3)
	server.SetReadDeadline(time.Unix(1, 0))
	for range 2 {
		if got, err := server.ReadMessage([]byte("kept ")); string(got) != "kept " || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %q, %v", got, err)
		}
		if n, err := server.Read(make([]byte, 9)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %d, %v", n, err)
		}
	}
	server.SetReadDeadline(time.Time{})
	for _, want := range []string{"cut in the middle", "next"} {
		if got, err := server.ReadMessage([]byte("kept ")); string(got) != "kept "+want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestReadAfterReadMessageTimedOut(t *testing.T) {
	client, server := connectedMessages(t, messages)
	io.WriteString(client, "cut in the middle")
	timedOut(t, server, 3)
	buf := make([]byte, 100)
	for _, want := range []struct {
		size int
		text string
		err  error
	}{{2, "cu", ErrMoreData}, {100, "t", ErrMoreData}, {100, " in the middle", nil}} {
		n, err := server.Read(buf[:want.size])
		if string(buf[:n]) != want.text || err != want.err {
			t.Errorf("%q, %v, want %q, %v", buf[:n], err, want.text, want.err)
		}
	}
}

func TestReadAfterCloseOfWhatReadMessageHad(t *testing.T) {
	client, server := connectedMessages(t, messages)
	io.WriteString(client, "cut in the middle")
	timedOut(t, server, 3)
	server.Close()
	if n, err := server.Read(make([]byte, 9)); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestReadMessageInByteMode(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	if _, err := client.ReadMessage(nil); !errors.Is(err, breezeway.ErrMismatch) {
		t.Error(err)
	}
}
