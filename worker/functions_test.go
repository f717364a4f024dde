package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// The functions that the tests call.
var (
	double = Define("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	pid    = Define("pid", func(context.Context, struct{ _ byte }) (int, error) { return os.Getpid(), nil })
	where  = Define("where", func(_ context.Context, variable string) ([]string, error) {
		dir, err := os.Getwd()
		return []string{dir, os.Getenv(variable)}, err
	})
	echo = Define("echo", func(_ context.Context, v everything) (everything, error) { return v, nil })

	// die ends the process in a way.
	die = Define("die", func(ctx context.Context, how string) (string, error) {
		println(begun)
		switch how {
		case "panic":
			explode(nil)
		case "exit":
			fmt.Println("the last words")
			os.Exit(3)
		case "goexit":
			runtime.Goexit()
		case "kill":
			return "", kill(os.Getpid())
		case "wait":
			<-ctx.Done()
			return "", context.Cause(ctx)
		case "hang":
			select {}
		case "spin":
			for n := 0; n >= 0; n = (n + 1) & 0xff {
				continue
			}
		}
		return how, nil
	})

	square = Define("square", func(_ context.Context, n int) (int, error) { return n * n, nil }).Idempotent()

	// picky fails for some numbers, and dies of others.
	picky = Define("picky", func(_ context.Context, n int) (int, error) {
		switch {
		case n%1000 == 13:
			return 0, errUnlucky
		case n%1000 == 666:
			os.Exit(6)
		}
		return n, nil
	}).Idempotent()

	// rarelyDeadly negates, but fails for one number, and dies of another.
	rarelyDeadly = Define("rarelyDeadly", func(_ context.Context, n int) (int, error) {
		switch n {
		case 70_013:
			return 0, errUnlucky
		case 80_666:
			os.Exit(6)
		}
		return -n, nil
	}).Idempotent()

	upper = Define("upper", func(_ context.Context, s string) (string, error) { return strings.ToUpper(s), nil }).Idempotent()

	// hoard fills so many bytes of memory.
	hoard = Define("hoard", func(_ context.Context, n int) (int, error) {
		b := make([]byte, n)
		for i := 0; i < n; i += 4096 {
			b[i] = 1
		}
		runtime.KeepAlive(b)
		return len(b), nil
	})

	// count adds to a number that each process has one of.
	count = DefineState("count", func(context.Context) (*int, error) { return new(int), nil },
		func(_ context.Context, total *int, n int) (int, error) {
			*total += n
			return *total, nil
		})

	// invert changes the bytes of a buffer, and returns it.
	invert = Define("invert", func(_ context.Context, in labelled) (labelled, error) {
		for i, b := range in.Pixels.Bytes() {
			in.Pixels.Bytes()[i] = ^b
		}
		in.Label += " inverted"
		return in, nil
	})

	// mark adds to a byte of a buffer.
	mark = Define("mark", func(_ context.Context, in spot) (int, error) {
		in.Buffer.Bytes()[in.At]++
		return in.At, nil
	})

	mappings = Define("mappings", func(context.Context, int) (int, error) {
		mapped.mu.Lock()
		defer mapped.mu.Unlock()
		return len(mapped.byID) + len(mapped.doomed), nil
	})

	// vandal does something to its own process.
	vandal = Define("vandal", func(_ context.Context, how string) (int, error) { return 0, vandalize(how) })

	slow = Define("slow", func(_ context.Context, d time.Duration) (time.Duration, error) {
		time.Sleep(d) // what it simulates is work that doesn't look at its context
		return d, nil
	})
)

var errUnlucky = RegisterError("worker.test.unlucky", errors.New("unlucky"))

// labelled is a buffer inside another value.
type labelled struct {
	Label  string
	Pixels *Buffer
}

// spot is a byte of a buffer.
type spot struct {
	Buffer *Buffer
	At     int
}

// vandalize does what no function should.
func vandalize(how string) error {
	switch how {
	case "garbage":
		for range 1000 {
			fmt.Print("\x00\xff garbage on standard output ")
			fmt.Fprint(os.Stderr, "and on standard error")
		}
	case "child":
		// It holds standard error open for longer than that is waited for.
		self, err := os.Executable()
		if err != nil {
			return err
		}
		sleeper := exec.Command(self)
		sleeper.Env = append(os.Environ(), lateVariable+"=1")
		sleeper.Stderr = os.Stderr
		if err := sleeper.Start(); err != nil {
			return err
		}
		os.Exit(3)
	case "descriptors":
		closeDescriptors()
		select {}
	}
	return nil
}

// explode panics on a nil pointer.
func explode(p *int) int { return *p }

func kill(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Kill(); err != nil {
		return err
	}
	select {}
}

// everything has a field of each kind that can cross.
type everything struct {
	Bool    bool
	Number  int16
	Float   float64
	Text    string
	Bytes   []byte
	Numbers []int32
	Texts   []string
	Array   [2]string
	Map     map[string][]int
	Pointer *everything
	Time    time.Time
	Err     error
	hidden  string
}

// newPool starts a pool that is closed when the test ends.
func newPool(t testing.TB, cfg *Config) *Pool {
	t.Helper()
	pool, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// begun is what functions write to standard error that run until they are cancelled.
const begun = "begun"

// onceBegun sets cfg.Stderr, and returns a context that ends when a function has begun.
func onceBegun(t *testing.T, cfg *Config) context.Context {
	out := &lines{found: make(chan struct{}), want: begun}
	cfg.Stderr = out
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		select {
		case <-out.found:
		case <-ctx.Done():
		}
	}()
	return ctx
}

// quiet has no output of workers that die on purpose in that of the tests.
func quiet(workers int) *Config { return &Config{Workers: workers, Stderr: new(strings.Builder)} }

func mustCall[In, Out any](t testing.TB, f *Func[In, Out], on Target, in In) Out {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	out, err := f.Call(ctx, on, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wantCrash fails the test unless err is a Crash.
func wantCrash(t testing.TB, err error) *Crash {
	t.Helper()
	var crash *Crash
	if !errors.As(err, &crash) {
		t.Fatalf("%v, want a Crash", err)
	}
	return crash
}
