package python

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/frame"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// refusalLog is a log that passes on the reasons of refusals.
func refusalLog(reasons chan<- error) *slog.Logger { return slog.New(&refusals{reasons: reasons}) }

type refusals struct {
	slog.Handler
	reasons chan<- error
}

func (r *refusals) Enabled(context.Context, slog.Level) bool { return true }

func (r *refusals) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			r.reasons <- err
		}
		return true
	})
	return nil
}

// ends makes both ends of a connection, by two keys.
func ends(t *testing.T, clients, servers *Config) (client, server *Conn, clientErr, serverErr error) {
	t.Helper()
	a, b := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		server, serverErr = Server(t.Context(), b, servers)
	}()
	client, clientErr = Client(t.Context(), a, clients)
	<-done
	t.Cleanup(func() { a.Close(); b.Close() })
	return client, server, clientErr, serverErr
}

func TestBothEnds(t *testing.T) {
	key := &Config{AuthKey: []byte("k")}
	client, server, err, serverErr := ends(t, key, key)
	if err := errors.Join(err, serverErr); err != nil {
		t.Fatal(err)
	}
	go client.Send([]byte("hello"))
	if got, err := server.Receive([]byte("b ")); string(got) != "b hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_, _, err, serverErr = ends(t, key, &Config{AuthKey: []byte("other")})
	if !errors.Is(err, os.ErrPermission) || !errors.Is(serverErr, os.ErrPermission) {
		t.Errorf("%v, %v", err, serverErr)
	}
}

func TestConnConfig(t *testing.T) {
	key := []byte("k")
	for name, cfg := range map[string]*Config{
		"nil": nil, "no key": {}, "empty key": {AuthKey: []byte{}}, "both": {AuthKey: key, NoAuth: true},
		"no messages": {AuthKey: key, Messages: true}, "limit": {AuthKey: key, MaxMessage: -1}, "time": {AuthKey: key, HandshakeTimeout: -1},
	} {
		a, b := net.Pipe()
		if _, err := Client(t.Context(), a, cfg); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: the connection is open: %v", name, err)
		}
	}
	if _, err := NewListener(nil, &Config{NoAuth: true}); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
	if _, err := Server(t.Context(), nil, &Config{NoAuth: true}); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
}

// What is no handshake is refused, whichever part we have, and nothing waits for ever.
func TestStrangers(t *testing.T) {
	key := &Config{AuthKey: []byte("k")}
	message := func(text string) []byte { return prefixed([]byte(text)) }
	for name, test := range map[string]struct {
		sent           []byte
		client, server error
	}{
		"nothing":          {nil, io.ErrUnexpectedEOF, io.ErrUnexpectedEOF},
		"HTTP":             {[]byte("POST / HTTP/1.1\r\n"), breezeway.ErrMismatch, breezeway.ErrMismatch},
		"cut":              {message("#CHALLENGE#")[:7], io.ErrUnexpectedEOF, io.ErrUnexpectedEOF},
		"short":            {message("#CHALLENGE#" + "tiny"), breezeway.ErrMismatch, breezeway.ErrMismatch},
		"unknown digest":   {message("#CHALLENGE#{crc32}" + string(make([]byte, 40))), breezeway.ErrMismatch, breezeway.ErrMismatch},
		"wrong old answer": {message(string(make([]byte, 16))), breezeway.ErrMismatch, os.ErrPermission},
		"wrong answer":     {message("{sha256}" + string(make([]byte, 32))), breezeway.ErrMismatch, os.ErrPermission},
		"short answer":     {message("{sha256}"), breezeway.ErrMismatch, os.ErrPermission},
		"oversized":        {[]byte{0x7f, 0xff, 0xff, 0xff}, breezeway.ErrMismatch, breezeway.ErrMismatch},
		"huge":             {[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, breezeway.ErrMismatch, breezeway.ErrMismatch},
		"negative":         {[]byte{0x80, 0, 0, 0}, breezeway.ErrMismatch, breezeway.ErrMismatch},
	} {
		for role, f := range map[string]func(context.Context, net.Conn, *Config) (*Conn, error){"client": Client, "server": Server} {
			a, b := net.Pipe()
			go io.Copy(io.Discard, a)
			go func() {
				a.Write(test.sent)
				a.Close()
			}()
			want := test.client
			if role == "server" {
				want = test.server
			}
			if _, err := f(t.Context(), b, key); !errors.Is(err, want) {
				t.Errorf("%s: %s: %v, want %v", role, name, err, want)
			}
		}
	}
	a, b := net.Pipe()
	defer a.Close()
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, gaveUp)
	defer cancel()
	if _, err := Client(ctx, b, key); !errors.Is(err, gaveUp) {
		t.Error(err)
	}
}

// A side with a key and one without learn of it.
func TestKeyAtOneSideOnly(t *testing.T) {
	key := &Config{AuthKey: []byte("k"), HandshakeTimeout: 20 * time.Millisecond}
	_, _, err, _ := ends(t, key, &Config{NoAuth: true})
	ipctest.WantError(t, err, os.ErrDeadlineExceeded, "no handshake came within 20ms", "Config.NoAuth")
	ipctest.Longer(t, func(limit time.Duration) error {
		key.HandshakeTimeout = limit
		a, b := net.Pipe()
		served := make(chan error, 1)
		go func() { _, err := Server(t.Context(), b, key); served <- err }()
		client, err := Client(t.Context(), a, &Config{NoAuth: true})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = client.Receive(nil)
		ipctest.WantError(t, <-served, os.ErrDeadlineExceeded)
		if !errors.Is(err, breezeway.ErrMismatch) || !strings.Contains(err.Error(), "asks for an authkey") {
			return fmt.Errorf("the client learns %w", err)
		}
		return nil
	})
}

// A challenge is no message, if it is the first thing that comes.
func TestChallengeWithoutKey(t *testing.T) {
	old := append([]byte(challenge), make([]byte, oldChallenge)...)
	now := append([]byte(challenge+"{sha256}"), make([]byte, ourChallenge)...)
	for _, first := range [][]byte{old, now} {
		client, server, _, _ := ends(t, &Config{NoAuth: true}, &Config{NoAuth: true})
		go server.Send(first)
		_, err := client.Receive(nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, "asks for an authkey", "Config.AuthKey")
		go server.Send(first)
		if text, err := client.Receive(nil); !bytes.Equal(text, first) || err != nil {
			t.Errorf("the second message is %q, %v", text, err)
		}
	}
	client, server, _, _ := ends(t, &Config{NoAuth: true}, &Config{NoAuth: true})
	go server.Send([]byte(challenge))
	if text, err := client.Receive(nil); string(text) != challenge || err != nil {
		t.Errorf("what merely begins like one is %q, %v", text, err)
	}
}

// A silent client keeps no other one waiting, and is sent away.
func TestSilentClients(t *testing.T) {
	ipctest.Longer(t, func(limit time.Duration) error { return serveBesideSilence(t, limit) })
}

func serveBesideSilence(t *testing.T, limit time.Duration) error {
	below, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(chan error, 100)
	key := &Config{AuthKey: []byte("k"), HandshakeTimeout: limit, Logger: refusalLog(reasons)}
	l, err := NewListener(below, key)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	const silent = 20
	for range silent {
		dial().Write([]byte{0, 0})
	}
	if _, err := Client(t.Context(), dial(), &Config{AuthKey: key.AuthKey}); err != nil {
		return err
	}
	c, err := l.Accept(t.Context())
	if err != nil {
		return err
	}
	c.Close()
	if n := len(reasons); n > 0 {
		return fmt.Errorf("%d silent clients were sent away before", n)
	}
	for range silent {
		// The listener and the handshake bound it by the same time.
		if err := <-reasons; !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	}
	l.Close()
	if _, err := l.Accept(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	return nil
}

func prefixed(p []byte) []byte { return append(prefix.Append(nil, len(p)), p...) }

func TestPrefix(t *testing.T) {
	for size, want := range map[int][]byte{
		0:             {0, 0, 0, 0},
		0x01020304:    {1, 2, 3, 4},
		math.MaxInt32: {0x7f, 0xff, 0xff, 0xff},
	} {
		if got := prefix.Append(nil, size); !bytes.Equal(got, want) {
			t.Errorf("%d: % x", size, got)
		}
	}
	large := uint64(math.MaxInt32) + 1
	want := binary.BigEndian.AppendUint64([]byte{0xff, 0xff, 0xff, 0xff}, large)
	if math.MaxInt > math.MaxInt32 {
		if got := prefix.Append(nil, int(large)); !bytes.Equal(got, want) {
			t.Errorf("% x", got)
		}
	}
	r := frame.NewReader(bytes.NewReader(want), prefix, 1<<20)
	var tooLarge *breezeway.TooLargeError
	if _, err := r.Next(nil); !errors.As(err, &tooLarge) || tooLarge.Size != large || tooLarge.Max != 1<<20 {
		t.Errorf("%v, %+v", err, tooLarge)
	}
	small := append([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 2}, "ab"...)
	if got, err := frame.NewReader(bytes.NewReader(small), prefix, 10).Next(nil); string(got) != "ab" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// Memory grows with what comes, not with what is announced.
func TestReceiveMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		r := frame.NewReader(bytes.NewReader([]byte{0x7f, 0xff, 0xff, 0xff, 'x'}), prefix, math.MaxInt)
		if _, err := r.Next(nil); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if used := (after.TotalAlloc - before.TotalAlloc) / 20; used > 200<<10 {
		t.Errorf("%d bytes for a message of 1 byte", used)
	}
}

// scripted is a connection whose other side says what it is told to.
type scripted struct {
	net.Conn
	in io.Reader
}

func (s *scripted) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *scripted) Write(p []byte) (int, error) { return len(p), nil }
func (s *scripted) Close() error                { return nil }
func (s *scripted) SetDeadline(time.Time) error { return nil }

func FuzzHandshake(f *testing.F) {
	f.Add(prefixed([]byte("#CHALLENGE#{sha256}0123456789012345678901234567890123456789")), []byte(welcome))
	f.Add(prefixed([]byte("#CHALLENGE#01234567890123456789")), prefixed([]byte(failure)))
	f.Add(prefixed(make([]byte, sha256.Size)), []byte{0xff, 0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, role := range []func(context.Context, net.Conn, *Config) (*Conn, error){Client, Server} {
			c := &scripted{in: io.MultiReader(bytes.NewReader(first), bytes.NewReader(second))}
			if _, err := role(t.Context(), c, &Config{AuthKey: []byte("k")}); err == nil {
				t.Error("admitted a peer without the key")
			}
		}
	})
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x03abc\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		r := frame.NewReader(bytes.NewReader(sent), prefix, 1000)
		total := 0
		for {
			message, err := r.Next(nil)
			if err != nil {
				break
			}
			total += 4 + len(message)
		}
		if total > len(sent) {
			t.Errorf("%d bytes of messages in %d", total, len(sent))
		}
	})
}

// Over a connection that keeps messages apart itself, as Python's pipes do on Windows,
// nothing precedes a message.
func TestMessages(t *testing.T) {
	name := ipctest.UniqueName()
	l, err := pipe.Listen(name, &pipe.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := &Config{AuthKey: []byte("k"), Messages: true, MaxMessage: 100}
	listener, err := NewListener(l, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	below, err := pipe.Dial(t.Context(), name, &pipe.Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	client, err := Client(t.Context(), below, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, text := range []string{"hello", "", "two words"} {
		if err := client.Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := server.Receive(nil); string(got) != text || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := server.Send([]byte("raw")); err != nil {
		t.Fatal(err)
	}
	if got, err := below.ReadMessage(nil); string(got) != "raw" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := client.Send(make([]byte, 101)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Receive(nil); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Error(err)
	}
}
