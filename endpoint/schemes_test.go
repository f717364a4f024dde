package endpoint_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/ring"
)

// ringSender sends to the ring at the URL Args[0].
var ringSender = ipctest.Helper("endpoint ring sender", func(c *ipctest.Control) error {
	q, err := endpoint.OpenQueue(context.Background(), c.Args[0])
	if err != nil {
		return err
	}
	defer q.Close()
	_, err = q.SendBatch(context.Background(), []mq.Outgoing{{Body: []byte("one")}, {Body: []byte("a longer one")}})
	return err
})

func TestRing(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("rings are for Linux and Windows")
	}
	name := ipctest.UniqueName()
	q, err := endpoint.OpenQueue(t.Context(), "ring://"+name+"?create&capacity-bytes=64KiB&shape="+ring.ManyToOne.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ring.Remove(name, nil) })
	defer q.Close()
	p := ipctest.Start(t, ringSender, "ring://"+name+"?shape="+ring.ManyToOne.String())
	if m, err := q.Receive(t.Context(), make([]byte, 3)); string(m.Body) != "one" || err != nil {
		t.Errorf("received %q, %v", m.Body, err)
	}
	if _, err := q.Receive(t.Context(), make([]byte, 3)); !errors.Is(err, breezeway.ErrTooLarge) {
		t.Errorf("into a buffer that is too short: %v", err)
	}
	for m, err := range q.All(t.Context()) {
		if string(m.Body) != "a longer one" || err != nil {
			t.Errorf("received %q, %v", m.Body, err)
		}
		break
	}
	p.Wait()
	// A receiver that waits keeps no sender, and ends with its context.
	soon, cancel := context.WithCancel(t.Context())
	received := make(chan error, 2)
	for range 2 {
		go func() { _, err := q.Receive(soon, nil); received <- err }()
	}
	cancel()
	for range 2 {
		ipctest.WantError(t, <-received, context.Canceled, name)
	}
	ipctest.WantError(t, q.Send(t.Context(), mq.Outgoing{Priority: 1}), errors.ErrUnsupported, "no priorities")
	_, err = q.Lease(t.Context(), nil)
	ipctest.WantError(t, err, errors.ErrUnsupported, "no leases; use Receive")
	_, err = q.Len(t.Context())
	ipctest.WantError(t, err, errors.ErrUnsupported, "doesn't tell how many")
	ipctest.WantError(t, q.Drain(t.Context()), errors.ErrUnsupported, "doesn't tell how many")
}

// An error lists the schemes that serve the purpose, and says what to write.
func TestAdviceOfErrors(t *testing.T) {
	ctx := t.Context()
	dial := func(url string) error { _, err := endpoint.Dial(ctx, url); return err }
	listen := func(url string) error { _, err := endpoint.Listen(ctx, url); return err }
	queue := func(url string) error { _, err := endpoint.OpenQueue(ctx, url); return err }
	certificate, key := ipctest.CertificateFiles(t)
	tls := "tls://127.0.0.1:1?cert=" + certificate + "&key=" + key
	streams := "activated, fifo, pipe, shmnet, stdio, tcp, tls, unix"
	here, err := filepath.Abs("x")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		open func(string) error
		url  string
		is   error
		says string
	}{
		{listen, "smoke://signal", os.ErrInvalid, "one of: " + streams + " ("},
		{listen, "signal", os.ErrInvalid, "are " + streams + " ("},
		{queue, "smoke://signal", os.ErrInvalid, "one of: mq, mq+posix, mq+sysv, ring ("},
		{queue, "stdio://", errors.ErrUnsupported, "mq, mq+posix, mq+sysv, ring"},
		{dial, "ring://x", errors.ErrUnsupported, "ring has no connections"},
		{dial, "activated://x", errors.ErrUnsupported, "clients dial that by its address"},
		{dial, "unix:/tmp/x", os.ErrInvalid, "unix:///tmp/x"},
		{dial, "stdio:", os.ErrInvalid, "stdio://"},
		{dial, "stdio://x", os.ErrInvalid, "no name"},
		{dial, "unix://x", os.ErrInvalid, "whole path: unix://" + filepath.ToSlash(here)},
		{listen, "fifo://x", os.ErrInvalid, "whole path: fifo://" + filepath.ToSlash(here)},
		{dial, "pipe://x?max-message=1&max-message=2", os.ErrInvalid, "max-message is given 2 times"},
		{dial, "pipe://x?message&message=false", os.ErrInvalid, "message is given 2 times"},
		{listen, "pipe://x?mode=0600&mode=0660", os.ErrInvalid, "mode is given 2 times"},
		{dial, tls + "&ca=" + certificate + "&ca=" + certificate, os.ErrInvalid, "ca is given 2 times"},
		{dial, tls + "&key=" + key, os.ErrInvalid, "key is given 2 times"},
		{dial, tls + "&server-name=a&server-name=b", os.ErrInvalid, "server-name is given 2 times"},
		{queue, "mq://x?full=wait&full=fail", os.ErrInvalid, "full is given 2 times"},
	} {
		err := test.open(test.url)
		ipctest.WantError(t, err, test.is, test.says)
	}
	_, err = endpoint.OpenLatest[int64](ctx, "latest://"+ipctest.UniqueName())
	ipctest.WantError(t, err, os.ErrNotExist, "?create")
}

func TestSchemes(t *testing.T) {
	for _, name := range []string{"", "Cloud", "1x", "a b", "a:b", "a/b", "é", "x?"} {
		if err := endpoint.Register(endpoint.Scheme{Name: name}); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("a scheme named %q: %v", name, err)
		}
	}
	names := endpoint.Schemes()
	if !slices.IsSorted(names) || !slices.Contains(names, "mq+posix") || !slices.Contains(names, "latest") {
		t.Errorf("the schemes are %q", names)
	}
}

// What a Config's Logger is told of.
func TestLogger(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a dead server leaves no name")
	}
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	var told bytes.Buffer
	cfg := endpoint.Config{Logger: slog.New(slog.NewTextHandler(&told, nil))}
	l, err := cfg.Listen(t.Context(), "unix://"+path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if !strings.Contains(told.String(), path) {
		t.Errorf("the Logger was told %q", told.String())
	}
}

// An object behind a file is named after #.
func TestObjectBehindFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Unix sockets of package socket are for Unix")
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := endpoint.Listen(t.Context(), "unix://"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for url, want := range map[string]string{
		"unix://" + path + "/Calc": "unix://" + path + "#Calc",
		"pipe://" + path + "/a/b":  "pipe://" + path + "#a/b",
	} {
		_, _, err = endpoint.DialObject(t.Context(), url, nil)
		ipctest.WantError(t, err, os.ErrInvalid, want)
	}
}

// DialObjectWait meets a server that comes later.
func TestDialObjectWait(t *testing.T) {
	url := "pipe://" + ipctest.UniqueName()
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := endpoint.DialObjectWait(soon, url+"/Calc", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a server: %v", err)
	}
	dialled := make(chan error, 1)
	go func() {
		client, _, err := endpoint.DialObjectWait(t.Context(), url+"/Calc", objectConfig())
		if err == nil {
			client.Close()
		}
		dialled <- err
	}()
	ipctest.Start(t, objectServer, url).Hear()
	if err := <-dialled; err != nil {
		t.Error(err)
	}
}
