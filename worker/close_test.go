package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// lines looks for a text in what is written to it.
type lines struct {
	all   bytes.Buffer
	want  string
	found chan struct{} // closed when want was written
	seen  bool
}

func (l *lines) Write(p []byte) (int, error) {
	l.all.Write(p)
	if !l.seen && strings.Contains(l.all.String(), l.want) {
		l.seen = true
		close(l.found)
	}
	return len(p), nil
}

// within fails the test if f takes longer than a test may.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(ipctest.Patience):
		t.Fatalf("%s doesn't end", what)
	}
}

// gate holds up the log line of a replacement until the pool is closing.
type gate struct {
	slog.Handler
	reached, open chan struct{}
}

func (g gate) Enabled(context.Context, slog.Level) bool { return true }

func (g gate) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "in the place of") {
		close(g.reached)
		<-g.open
	}
	return nil
}

// Close ends a worker too that has just been started in the place of another.
func TestCloseWhileAWorkerIsReplaced(t *testing.T) {
	g := gate{slog.DiscardHandler, make(chan struct{}), make(chan struct{})}
	cfg := quiet(1)
	cfg.Logger = slog.New(g)
	pool := newPool(t, cfg)
	_, err := die.Call(t.Context(), pool, "exit")
	wantCrash(t, err)
	<-g.reached
	within(t, "Close", func() {
		go func() {
			<-pool.ending.Done()
			close(g.open)
		}()
		pool.Close()
	})
}

// A worker that is told to end between the arrival of a call and its begin cancels it.
func TestRetireBeforeTheCallBegins(t *testing.T) {
	server, parent := newServer(t)
	defer parent.Close()
	server.retire()
	if ctx := server.enter(1); !ctx.ended() {
		t.Error("the function would run on")
	}
}

// What a worker prints may wait for its reader; the end of the pool doesn't.
func TestCloseWhileStderrBlocks(t *testing.T) {
	blocked, writes := make(chan struct{}), make(chan struct{}, 1)
	defer close(blocked)
	pool := newPool(t, &Config{Workers: 1, Stderr: writerFunc(func(p []byte) (int, error) {
		select {
		case writes <- struct{}{}:
		default:
		}
		<-blocked
		return len(p), nil
	})})
	called := make(chan error, 1)
	go func() {
		_, err := vandal.Call(t.Context(), pool, "garbage")
		called <- err
	}()
	<-writes
	within(t, "Close", func() { pool.Close() })
	// It waits for the writer where the system keeps little between the processes.
	if err := <-called; err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// hangOnce goes on for ever when it is called for the first time with a file that isn't
// there, which it makes.
var hangOnce = Define("hangOnce", func(_ context.Context, file string) (int, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.Close()
		select {}
	}
	return 42, nil
}).Idempotent()

// A call that has begun before Shutdown is tried again, too.
func TestShutdownWaitsForARetry(t *testing.T) {
	cfg := quiet(1)
	cfg.Retry = 1
	pool := newPool(t, cfg)
	worker := mustCall(t, pid, pool, struct{ _ byte }{})
	file := filepath.Join(t.TempDir(), "begun")
	wantResultInShutdown(t, pool, hangOnce, file, worker, func() bool {
		_, err := os.Stat(file)
		return err == nil
	})
}

// wantResultInShutdown calls f, has the pool shut down when the call has begun, and then
// kills its worker.
func wantResultInShutdown[In any](t *testing.T, pool *Pool, f *Func[In, int], in In, worker int, begun func() bool) {
	t.Helper()
	called, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		got, err := f.Call(t.Context(), pool, in)
		if err == nil && got != 42 {
			err = fmt.Errorf("it is %d", got)
		}
		called <- err
	}()
	for !begun() {
		time.Sleep(time.Millisecond) // no event says so
	}
	go func() { closed <- pool.Shutdown(t.Context()) }()
	for pool.enter() == nil {
		pool.finish()
		time.Sleep(time.Millisecond) // no event says that Shutdown has begun
	}
	for _, p := range pool.processes() {
		if p.pid == worker {
			p.cmd.Process.Kill()
		}
	}
	within(t, "Shutdown", func() {
		if err := <-called; err != nil {
			t.Errorf("the call: %v", err)
		}
		if err := <-closed; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}
