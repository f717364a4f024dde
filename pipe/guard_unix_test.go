//go:build unix

package pipe

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// told is a Logger whose records a test waits for.
type told chan slog.Record

func newTold() told { return make(told, 100) }

func (c told) Enabled(context.Context, slog.Level) bool      { return true }
func (c told) WithAttrs([]slog.Attr) slog.Handler            { return c }
func (c told) WithGroup(string) slog.Handler                 { return c }
func (c told) Handle(_ context.Context, r slog.Record) error { c <- r; return nil }
func (c told) config() *Config                               { return &Config{Logger: slog.New(c)} }

// await returns the next record, as text.
func (c told) await(t *testing.T, level slog.Level) string {
	t.Helper()
	select {
	case r := <-c:
		if r.Level != level {
			t.Errorf("told %v %q, want %v", r.Level, r.Message, level)
		}
		var text strings.Builder
		slog.NewTextHandler(&text, nil).Handle(t.Context(), r)
		return text.String()
	case <-time.After(ipctest.Patience):
		t.Fatal("the Logger was not told")
		return ""
	}
}

// dialSaying connects and says a word.
func dialSaying(t *testing.T, path, word string) {
	t.Helper()
	c := mustDial(t, path, nil)
	if _, err := io.WriteString(c, word); err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func wantSaid(t *testing.T, l *Listener, word string) {
	t.Helper()
	if got, err := io.ReadAll(mustAccept(t, l)); string(got) != word || err != nil {
		t.Errorf("%q, %v; want %q", got, err, word)
	}
}

// A server whose socket was removed is found again, and loses no client that had
// connected before.
func TestListensAgainWhenItsSocketIsRemoved(t *testing.T) {
	for how, remove := range map[string]func(path string) error{
		"removed": os.Remove,
		"renamed": func(path string) error {
			defer os.Remove(path + ".away")
			return os.Rename(path, path+".away")
		},
		"replaced": func(path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path + ".dead", Net: "unix"})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			l.Close() // so that its socket is stale
			return os.Rename(path+".dead", path)
		},
	} {
		t.Run(how, func(t *testing.T) {
			logger := newTold()
			cfg := logger.config()
			cfg.Mode = 0o640
			path := filepath.Join(shortDir(t), "x")
			l := mustListen(t, path, cfg)
			dialSaying(t, path, "before the first Accept")
			wantSaid(t, l, "before the first Accept")
			for range 3 { // accept waits from now on
				dialSaying(t, path, "before")
				if err := remove(path); err != nil {
					t.Fatal(err)
				}
				logger.await(t, slog.LevelWarn)
				dialSaying(t, path, "after")
				wantSaid(t, l, "before")
				wantSaid(t, l, "after")
				if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o640 {
					t.Errorf("%v, %v", info.Mode(), err)
				}
			}
			l.Close()
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

// A listener that accepts none keeps no sockets that clients can't come to.
func TestRemovedSocketsAreNotKept(t *testing.T) {
	logger := newTold()
	path := filepath.Join(shortDir(t), "x")
	l := mustListen(t, path, logger.config())
	dialSaying(t, path, "kept")
	for range 5 {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		logger.await(t, slog.LevelWarn)
	}
	l.l.mu.Lock()
	kept := len(l.l.former)
	l.l.mu.Unlock()
	if kept > 2 { // the first, where a client waits, and the last
		t.Errorf("%d former sockets are open", kept)
	}
	wantSaid(t, l, "kept")
}

// A name that another server has by then is left to that.
func TestNameTakenByAnotherServer(t *testing.T) {
	logger := newTold()
	path := filepath.Join(shortDir(t), "x")
	l := mustListen(t, path, logger.config())
	dialSaying(t, path, "x")
	wantSaid(t, l, "x") // accept waits from now on
	for range 3 {
		dialSaying(t, path, "before")
	}
	thief, err := net.ListenUnix("unix", &net.UnixAddr{Name: path + "y", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer thief.Close()
	thief.SetUnlinkOnClose(false)
	if err := os.Rename(path+"y", path); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	before, _ := os.Lstat(path)
	logger.await(t, slog.LevelError)
	for range 3 {
		wantSaid(t, l, "before")
	}
	for range 2 {
		if _, err := l.Accept(); !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("Accept: %v", err)
		}
	}
	l.Close()
	if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("Close touched the other server's socket: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestDirectoryRemovedUnderAListener(t *testing.T) {
	logger := newTold()
	dir := shortDir(t)
	path := filepath.Join(dir, "x")
	l := mustListen(t, path, logger.config())
	accepted := pendingAccept(l, context.Background())
	if err := errors.Join(os.Remove(path), os.Remove(dir)); err != nil {
		t.Fatal(err)
	}
	logger.await(t, slog.LevelError)
	if err := <-accepted; !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// What happens to the socket's attributes only is no removal.
func TestTouchedSocketStays(t *testing.T) {
	logger := newTold()
	path := filepath.Join(shortDir(t), "x")
	l := mustListen(t, path, logger.config())
	before, _ := os.Lstat(path)
	for _, mode := range []os.FileMode{0o666, 0o600} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2 * takeoverBound) // nothing is to happen
	if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) || len(logger) > 0 {
		t.Errorf("%v, told %d", err, len(logger))
	}
	l.Close()
}

// A socket that is renamed and comes back is served on.
func TestSocketThatComesBack(t *testing.T) {
	for inTime := 0; inTime < 5; {
		logger := newTold()
		path := filepath.Join(shortDir(t), "x")
		l := mustListen(t, path, logger.config())
		away := time.Now()
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(takeoverBound / 4) // until the listener has noticed, which nothing tells
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		if time.Since(away) > takeoverBound { // the machine has stalled, and the listener may have given up the name
			l.Close()
			os.Remove(path)
			continue
		}
		inTime++
		time.Sleep(2 * takeoverBound)
		dialSaying(t, path, "after")
		wantSaid(t, l, "after")
		if len(logger) > 0 {
			t.Errorf("the Logger was told %q", (<-logger).Message)
		}
		l.Close()
	}
}

func TestCloseFromTheLoggerWhenTheSocketIsRemoved(t *testing.T) {
	path := filepath.Join(shortDir(t), "x")
	logger := closer{closed: make(chan error, 10)}
	l := mustListen(t, path, &Config{Logger: slog.New(&logger)})
	logger.l.Store(l)
	accepted := pendingAccept(l, context.Background())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	logger.await(t)
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the name was not given up: %v", err)
	}
}

// Close ends a listener that waits for the lock of the name, which another process
// holds, to listen again.
func TestCloseWhileTheRemovedNameIsLocked(t *testing.T) {
	path := filepath.Join(shortDir(t), "x")
	l := mustListen(t, path, nil)
	lock, err := os.OpenFile(filepath.Join(filepath.Dir(path), ".breezeway.x.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(lock.Name())
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * takeoverBound) // until it waits, which nothing tells
	start := time.Now()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	ipctest.WantSince(t, start, time.Second)
}
