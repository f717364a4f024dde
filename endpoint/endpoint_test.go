package endpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/shm"
)

// echoing serves one connection at the URL Args[0], and sends back what arrives.
var echoing = ipctest.Helper("echo", func(c *ipctest.Control) error {
	l, err := endpoint.Listen(context.Background(), c.Args[0])
	if err != nil {
		return err
	}
	defer l.Close()
	c.Say("%s", l.Addr())
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.Copy(conn, conn)
	return err
})

func TestStreams(t *testing.T) {
	certificate, key := ipctest.CertificateFiles(t)
	tls := "?ca=" + certificate + "&cert=" + certificate + "&key=" + key
	for scheme, urls := range map[string]struct{ listen, dial string }{
		"pipe":    {"pipe://" + ipctest.UniqueName() + "?max-conns=3", ""},
		"message": {"pipe://" + ipctest.UniqueName() + "?message&max-message=64KiB", ""},
		"shmnet":  {"shmnet://" + ipctest.UniqueName() + "?buffer-size=64KiB&max-conns=3", ""},
		"plain":   {"shmnet://" + ipctest.UniqueName() + "?plain", ""},
		"unix":    {"unix://" + filepath.ToSlash(filepath.Join(t.TempDir(), "socket")), ""},
		"tcp":     {"tcp://127.0.0.1:0", "tcp://ADDRESS#object"},
		"tls":     {"tls://127.0.0.1:0" + tls, "tls://ADDRESS" + tls + ""},
	} {
		t.Run(scheme, func(t *testing.T) {
			if scheme == "unix" && runtime.GOOS == "windows" {
				t.Skip("Unix sockets name no peer here")
			}
			server := ipctest.Start(t, echoing, urls.listen)
			address := server.Hear()
			url := urls.dial
			if url == "" {
				url = urls.listen
			}
			conn, err := endpoint.Dial(t.Context(), strings.ReplaceAll(url, "ADDRESS", address))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			buf := make([]byte, 100)
			if _, err := conn.Write([]byte("through")); err != nil {
				t.Fatal(err)
			}
			if n, err := conn.Read(buf); string(buf[:n]) != "through" {
				t.Errorf("the echo is %q, %v", buf[:n], err)
			}
			conn.Close()
			server.Wait()
		})
	}
}

// What a URL of one process names, that of another one meets.
var storing = ipctest.Helper("store", func(c *ipctest.Control) error {
	ctx := context.Background()
	l, err := endpoint.OpenLatest[[2]int64](ctx, "latest://"+c.Args[0]+"?create")
	if err != nil {
		return err
	}
	defer l.Close()
	w, err := l.TryWriter(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.Store(ctx, [2]int64{4, 2}); err != nil {
		return err
	}
	q, err := endpoint.OpenQueue(ctx, "mq://"+c.Args[0])
	if err != nil {
		return err
	}
	defer q.Close()
	return q.Send(ctx, mq.Outgoing{Body: []byte("job")})
})

func TestQueueAndLatestValueOfAnotherProcess(t *testing.T) {
	name := ipctest.UniqueName()
	q, err := endpoint.OpenQueue(t.Context(), "mq://"+name+"?create&capacity=10&max-message=1KiB&full=fail&lease-timeout=30s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mq.Remove(name, nil) })
	defer q.Close()
	if s, err := q.Stats(t.Context()); s.Capacity != 10 || s.MaxMessage != 1024 {
		t.Errorf("the queue is %+v, %v", s, err)
	}
	t.Cleanup(func() { shm.Remove(shm.KindLatest, name, nil) })
	ipctest.Start(t, storing, name).Wait()
	if m, err := q.Receive(t.Context(), nil); string(m.Body) != "job" {
		t.Errorf("received %q, %v", m.Body, err)
	}
	l, err := endpoint.OpenLatest[[2]int64](t.Context(), "latest://"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if v, version, err := l.Wait(t.Context(), 0); v != [2]int64{4, 2} || version != 1 {
		t.Errorf("found %v, %d, %v", v, version, err)
	}
}

func TestLeaderThatResigned(t *testing.T) {
	name := ipctest.UniqueName()
	t.Cleanup(func() { ipcsync.Remove(ipcsync.KindLeader, name, nil) })
	first, err := endpoint.Lead(t.Context(), "lead://"+name)
	if err != nil {
		t.Fatal(err)
	}
	if first.Context().Err() != nil {
		t.Error("the leadership has ended at once")
	}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := endpoint.Lead(soon, "lead://"+name); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second leader: %v", err)
	}
	if err := first.Resign(); err != nil {
		t.Error(err)
	}
	if err := context.Cause(first.Context()); err != endpoint.ErrResigned {
		t.Errorf("the leadership ended with %v", err)
	}
	second, err := endpoint.Lead(t.Context(), "lead://"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Resign()
	if second.Recovered() || second.Term() <= first.Term() {
		t.Errorf("the second leader: recovered %v, term %d after %d", second.Recovered(), second.Term(), first.Term())
	}
}

func TestBadURLs(t *testing.T) {
	for url, want := range map[string]string{
		"chat":                      "scheme://name",
		"smoke://signal":            "tcp, tls, unix",
		"pipe://":                   "name",
		"pipe://chat?volume=1":      "message",
		"shmnet://a?message":        "buffer-size",
		"shmnet://a?buffer-size=2x": "64KiB",
		"shmnet://a?buffer-size=2G": "BufferSize",
		"tcp://127.0.0.1:1?mode=1":  "hand-over",
		"mq://q?capacity=many":      "a number",
		"mq://q?full=burst":         "drop, fail, wait",
		"mq://q?lease-timeout=5":    "such as 30s",
		"mq://q?max-message=1TB":    "64KiB",
		"pipe://chat?mode=rw":       "octal",
		"pipe://chat?message=maybe": "true or false",
		"tls://127.0.0.1:1?cert=x":  "go together",
	} {
		open := endpoint.Dial
		if strings.HasPrefix(url, "mq") {
			_, err := endpoint.OpenQueue(t.Context(), url)
			ipctest.WantError(t, err, os.ErrInvalid, want)
			continue
		}
		_, err := open(t.Context(), url)
		ipctest.WantError(t, err, os.ErrInvalid, want)
	}
	_, err := endpoint.Listen(t.Context(), "mq://jobs")
	ipctest.WantError(t, err, errors.ErrUnsupported, "pipe")
	_, err = endpoint.OpenQueue(t.Context(), "pipe://chat")
	ipctest.WantError(t, err, errors.ErrUnsupported, "mq")
	_, err = endpoint.OpenLatest[int](t.Context(), "pipe://chat")
	ipctest.WantError(t, err, errors.ErrUnsupported, "latest")
	_, err = endpoint.Lead(t.Context(), "pipe://chat")
	ipctest.WantError(t, err, errors.ErrUnsupported, "lead")
	for _, url := range []string{"pipe://" + ipctest.UniqueName(), "tcp://127.0.0.1:1"} {
		_, err = endpoint.Dial(t.Context(), url)
		ipctest.WantError(t, err, os.ErrNotExist)
	}
	_, err = endpoint.OpenQueue(t.Context(), "mq://"+ipctest.UniqueName())
	ipctest.WantError(t, err, os.ErrNotExist)
}

// What is opened with a context that has ended is not opened.
func TestEndedContext(t *testing.T) {
	gaveUp := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gaveUp)
	name := ipctest.UniqueName()
	for url, open := range map[string]func(url string) (io.Closer, error){
		"pipe://" + name:           func(url string) (io.Closer, error) { return endpoint.Listen(ctx, url) },
		"shmnet://" + name:         func(url string) (io.Closer, error) { return endpoint.Listen(ctx, url) },
		"tcp://127.0.0.1:0":        func(url string) (io.Closer, error) { return endpoint.Listen(ctx, url) },
		"tcp://127.0.0.1:1":        func(url string) (io.Closer, error) { return endpoint.Dial(ctx, url) },
		"mq://" + name + "?create": func(url string) (io.Closer, error) { return endpoint.OpenQueue(ctx, url) },
		"latest://" + name + "?create": func(url string) (io.Closer, error) {
			return endpoint.OpenLatest[int](ctx, url)
		},
	} {
		if _, err := open(url); !errors.Is(err, gaveUp) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A predecessor that makes no offer keeps Listen until its context ends.
func TestListenBesideSilentPredecessor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("listeners are handed over on Linux only")
	}
	side := filepath.Join(t.TempDir(), "side")
	silent, err := endpoint.Listen(t.Context(), "unix://"+side)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := endpoint.Listen(soon, "tcp://127.0.0.1:0?hand-over="+side); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ipctest.WantSince(t, start, 5*time.Second)
}

// memory is a value that a scheme of another package keeps.
type memory struct {
	text    json.RawMessage
	version uint64
}

func (m *memory) Load(context.Context) (json.RawMessage, uint64, error) {
	return m.text, m.version, nil
}

func (m *memory) Wait(ctx context.Context, after uint64) (json.RawMessage, uint64, error) {
	if m.version > after {
		return m.Load(ctx)
	}
	<-ctx.Done()
	return nil, 0, context.Cause(ctx)
}

func (m *memory) TryWriter(context.Context) (endpoint.LatestWriter[json.RawMessage], error) {
	return m, nil
}

func (m *memory) Store(_ context.Context, text json.RawMessage) error {
	m.text, m.version = text, m.version+1
	return nil
}

func (m *memory) Close() error { return nil }

func TestRegisteredScheme(t *testing.T) {
	cell := &memory{}
	if err := endpoint.Register(endpoint.Scheme{
		Name: "cloud", Options: []string{"region"},
		Dial: func(_ context.Context, u *endpoint.URL) (net.Conn, error) {
			if u.Name != "host/path" || u.Text("region") != "north" || u.Fragment != "Calc" {
				t.Errorf("the URL came as %+v", u)
			}
			near, far := net.Pipe()
			far.Close()
			return near, nil
		},
		OpenLatest: func(context.Context, *endpoint.URL) (endpoint.Cell, error) { return cell, nil },
	}); err != nil {
		t.Fatal(err)
	}
	ipctest.WantError(t, endpoint.Register(endpoint.Scheme{Name: "cloud"}), os.ErrExist)
	ipctest.WantError(t, endpoint.Register(endpoint.Scheme{Name: "pipe"}), os.ErrExist)
	ipctest.WantError(t, endpoint.Register(endpoint.Scheme{}), os.ErrInvalid)
	conn, err := endpoint.Dial(t.Context(), "cloud://host/path?region=north#Calc")
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	type position struct{ X, Y int }
	l, err := endpoint.OpenLatest[position](t.Context(), "cloud://value")
	if err != nil {
		t.Fatal(err)
	}
	if v, version, err := l.Load(t.Context()); v != (position{}) || version != 0 || err != nil {
		t.Errorf("before a store: %v, %d, %v", v, version, err)
	}
	w, err := l.TryWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store(t.Context(), position{3, 4}); err != nil {
		t.Error(err)
	}
	if v, version, err := l.Wait(t.Context(), 0); v != (position{3, 4}) || version != 1 || err != nil {
		t.Errorf("after a store: %v, %d, %v", v, version, err)
	}
	cell.text = json.RawMessage(`"west"`)
	if _, _, err := l.Load(t.Context()); err == nil {
		t.Error("text became a position")
	}
}
