package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mq"
)

// fails returns an error of a kind.
var fails = Define("fails", func(_ context.Context, how string) (int, error) { return 0, failures[how] })

var failures = map[string]error{
	"itself":     io.EOF,
	"registered": errUnlucky,
	"wrapped":    fmt.Errorf("in here: %w, and %w", os.ErrNotExist, errUnlucky),
	"other":      errors.New("any other"),
	"nil":        (*nilError)(nil),
}

// nilError is an error whose nil pointer has no text.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func TestErrorsCross(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	for how, want := range failures {
		_, err := fails.Call(t.Context(), pool, how)
		switch how {
		case "itself", "registered":
			if err != want {
				t.Errorf("%s: %v, want the very same", how, err)
			}
		case "wrapped":
			var remote *RemoteError
			if err.Error() != want.Error() || !errors.Is(err, os.ErrNotExist) || !errors.Is(err, errUnlucky) || errors.Is(err, io.EOF) {
				t.Errorf("%s: %v", how, err)
			}
			if !errors.As(err, &remote) || remote.Func != "fails" || remote.PID == 0 {
				t.Errorf("%s: %#v", how, err)
			}
		case "other":
			if err.Error() != want.Error() || errors.Is(err, io.EOF) {
				t.Errorf("%s: %v", how, err)
			}
		case "nil":
			if err == nil || !strings.Contains(err.Error(), "nilError") {
				t.Errorf("%s: %v", how, err)
			}
		}
	}
}

// undefine lets the test define functions named test, which are gone when it ends.
func undefine(t *testing.T) {
	n := len(defined())
	reopen := func() {
		registry.mu.Lock()
		defer registry.mu.Unlock()
		registry.complete = false
		registry.functions = registry.functions[:n]
		delete(registry.names, "test")
	}
	reopen()
	t.Cleanup(reopen)
}

type withChannel struct{ Inner []struct{ C chan int } }

func TestWhatCannotCrossIsRefused(t *testing.T) {
	undefine(t)
	f := Define("test", func(context.Context, withChannel) (int, error) { return 0, nil })
	if _, err := Start(t.Context(), nil); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "field Inner: field C: a chan int") {
		t.Errorf("Start: %v", err)
	}
	if _, err := f.Call(t.Context(), new(Pool), withChannel{}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("Call: %v", err)
	}
}

func TestDefinedTwice(t *testing.T) {
	undefine(t)
	Define("test", func(context.Context, int) (int, error) { return 0, nil })
	Define("test", func(context.Context, int) (int, error) { return 1, nil })
	if _, err := Start(t.Context(), nil); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("%v", err)
	}
}

// A function that workers don't have is found out by the greeting.
func TestDefinedHereAlone(t *testing.T) {
	undefine(t)
	Define("test", func(context.Context, int) (int, error) { return 0, nil })
	if _, err := Start(t.Context(), &Config{Workers: 1}); !errors.Is(err, breezeway.ErrMismatch) || !strings.Contains(err.Error(), "lacks the function") {
		t.Errorf("%v", err)
	}
}

func TestDefinedAfterStart(t *testing.T) {
	pool := newPool(t, quiet(1))
	n := len(defined())
	f := Define("test", func(context.Context, int) (int, error) { return 0, nil }).Idempotent()
	_, err := f.Call(t.Context(), pool, 0)
	ipctest.WantError(t, err, os.ErrInvalid, "defined after")
	for _, err := range f.Map(t.Context(), pool, upTo(3)) {
		ipctest.WantError(t, err, os.ErrInvalid, "defined after")
	}
	// Workers that are started from now on are those of the program as it was.
	_, err = die.Call(t.Context(), pool, "exit")
	wantCrash(t, err)
	mustCall(t, double, pool, 1)
	mustCall(t, double, newPool(t, quiet(1)), 1)
	if got := len(defined()); got != n {
		t.Errorf("there are %d functions, and were %d", got, n)
	}
}

// node is a value that may contain itself.
type node struct{ Next *node }

var follow = Define("follow", func(_ context.Context, n node) (int, error) {
	depth := 0
	for at := &n; at.Next != nil; at = at.Next {
		depth++
	}
	return depth, nil
})

func TestValuesThatContainThemselves(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	circle := node{}
	circle.Next = &circle
	if _, err := follow.Call(t.Context(), pool, circle); !errors.Is(err, os.ErrInvalid) || !errors.Is(err, errDeep) {
		t.Errorf("%v", err)
	}
	line := &node{}
	for range 900 {
		line = &node{line}
	}
	if got := mustCall(t, follow, pool, *line); got != 900 {
		t.Errorf("%d", got)
	}
}

// picked is a type that this package can't carry.
type picked struct {
	Name string
	Any  any
}

var viaJSON = Define("via JSON", func(_ context.Context, p picked) (picked, error) {
	if p.Name == "function" {
		p.Any = func() {}
	}
	return p, nil
}).Codecs(mq.JSON[picked](), mq.JSON[picked]())

func TestCodecs(t *testing.T) {
	pool := newPool(t, &Config{Workers: 1})
	if got := mustCall(t, viaJSON, pool, picked{"n", []any{1.5, "x"}}); fmt.Sprint(got) != "{n [1.5 x]}" {
		t.Errorf("%v", got)
	}
	var unsupported *json.UnsupportedTypeError
	if _, err := viaJSON.Call(t.Context(), pool, picked{"", make(chan int)}); !errors.As(err, &unsupported) {
		t.Errorf("an input that has no JSON: %v", err)
	}
	if _, err := viaJSON.Call(t.Context(), pool, picked{Name: "function"}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("a result that has no JSON: %v", err)
	}
}

// sparing is a codec that returns nothing with an error.
type sparing struct{ mq.Codec[int] }

func (s sparing) Append(b []byte, n int) ([]byte, error) {
	if n%100 == 99 {
		return nil, errUnlucky
	}
	return s.Codec.Append(b, n)
}

var (
	sparingly   = Define("sparingly", func(_ context.Context, n int) (int, error) { return n, nil }).Codecs(sparing{mq.JSON[int]()}, nil)
	spareResult = Define("spare the result", func(_ context.Context, n int) (int, error) { return n, nil }).Codecs(mq.JSON[int](), sparing{mq.JSON[int]()}).Idempotent()
)

// A codec that fails and returns nothing harms neither the calls after it nor a worker.
func TestCodecReturnsNothing(t *testing.T) {
	pool := newPool(t, quiet(1))
	for range 20 {
		if _, err := sparingly.Call(t.Context(), pool, 99); !errors.Is(err, errUnlucky) {
			t.Errorf("%v", err)
		}
		mustCall(t, double, pool, 1)
	}
	n := 0
	for got, err := range spareResult.Map(t.Context(), pool, upTo(10_000)) {
		if n%100 == 99 {
			if !errors.Is(err, os.ErrInvalid) || crashOf(err) != nil {
				t.Errorf("%d: %v", n, err)
			}
		} else if err != nil || got != n {
			t.Fatalf("%d: %d, %v", n, got, err)
		}
		n++
	}
	if got := pool.Stats().Crashes; n != 10_000 || got != 0 {
		t.Errorf("%d results, and %d workers died", n, got)
	}
}

// A Crash says that a worker was killed only if it was.
func TestCrashWhileAChildHoldsStderr(t *testing.T) {
	pool := newPool(t, quiet(1))
	for range 3 {
		_, err := vandal.Call(t.Context(), pool, "child")
		if crash := wantCrash(t, err); crash.Why != nil || crash.State.ExitCode() != 3 {
			t.Error(err)
		}
	}
}

// What Start was given may be changed after it.
func TestStartCopiesTheConfig(t *testing.T) {
	cfg := quiet(1)
	cfg.Env = []string{"WORKER_TEST=before"}
	pool := newPool(t, cfg)
	cfg.Env[0] = "WORKER_TEST=after"
	_, err := die.Call(t.Context(), pool, "exit")
	wantCrash(t, err)
	if got := mustCall(t, where, pool, "WORKER_TEST"); got[1] != "before" {
		t.Errorf("the next worker has %q", got[1])
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []*Config{
		{Workers: -1}, {Workers: 1 << 20}, {Grace: -1}, {Timeout: -1}, {MaxCalls: -1}, {MaxMemory: -1}, {Retry: -1},
		{Limits: Limits{Memory: -1}}, {Limits: Limits{CPU: -1}}, {Limits: Limits{Files: -1}},
	} {
		if _, err := Start(t.Context(), cfg); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestZeroValues(t *testing.T) {
	var pool *Pool
	var f *Func[int, int]
	var key *Key
	var b *Buffer
	if _, err := f.Call(t.Context(), newPool(t, &Config{Workers: 1}), 1); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("nil Func: %v", err)
	}
	for name, on := range map[string]Target{"nil": nil, "nil Pool": pool, "zero Pool": new(Pool), "nil Key": key, "zero Key": new(Key)} {
		if _, err := double.Call(t.Context(), on, 1); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{"Close": pool.Close(), "Shutdown": pool.Shutdown(t.Context()), "Key.Close": key.Close()} {
		if !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b.Close() != nil || b.Bytes() != nil || b.Len() != 0 || pool.Key("k") != nil || len(pool.Processes()) != 0 || pool.Stats() != (Stats{}) {
		t.Error("a nil value has something")
	}
}
