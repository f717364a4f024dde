package ipcsync

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/robust"
	"github.com/breezeway-ipc/breezeway/internal/sys"
)

// fileLockConfigs are the kinds of locks that this system has.
func fileLockConfigs() map[string]*Config {
	kinds := map[string]*Config{"default": nil}
	if sys.HasFlock {
		kinds["flock"] = &Config{Flock: true}
	}
	return kinds
}

func openLock(t testing.TB, path string, cfg *Config) *FileLock {
	t.Helper()
	l, err := OpenFileLock(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func newLock(t testing.TB, cfg *Config) *FileLock {
	t.Helper()
	return openLock(t, filepath.Join(t.TempDir(), "lock"), cfg)
}

// got is for the results of Lock and RLock.
func got(t testing.TB) func(Held, error) Held {
	t.Helper()
	return func(h Held, err error) Held {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if h.Recovered() {
			t.Error("recovered")
		}
		return h
	}
}

func unlock(t testing.TB, held ...Held) {
	t.Helper()
	for _, h := range held {
		if err := h.Unlock(); err != nil {
			t.Error(err)
		}
	}
}

// isFree takes the lock and gives it back, if that is possible.
func isFree(t testing.TB, try func() (Held, bool, error)) bool {
	t.Helper()
	h, ok, err := try()
	if err != nil {
		t.Fatal(err)
	}
	if ok {
		unlock(t, h)
	}
	return ok
}

// inQueue waits until so many calls wait for something.
func inQueue(t testing.TB, l *FileLock, n int) {
	t.Helper()
	for deadline := time.Now().Add(ipctest.Patience); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		waiting := 0
		for _, turn := range l.turns {
			waiting += turn.users
		}
		l.mu.Unlock()
		if waiting == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, want %d", waiting, n)
		}
	}
}

// locker locks and unlocks the file Args[0] as it is told. Args[1] "flock" asks
// for these.
var fileLocker = ipctest.Helper("locker", func(c *ipctest.Control) error {
	l, err := OpenFileLock(c.Args[0], &Config{Flock: c.Args[1] == "flock"})
	if err != nil {
		return err
	}
	defer l.Close()
	c.Say("open")
	held := map[string]Held{}
	for {
		var op string
		var offset, length int64
		fmt.Sscan(c.Hear(), &op, &offset, &length)
		r := l.Range(offset, length)
		key := fmt.Sprint(offset, length)
		var h Held
		ok := true
		switch op {
		case "lock":
			h, err = r.Lock(context.Background())
		case "rlock":
			h, err = r.RLock(context.Background())
		case "trylock":
			h, ok, err = r.TryLock()
		case "tryrlock":
			h, ok, err = r.TryRLock()
		case "unlock":
			h = held[key]
			err = h.Unlock()
		case "child":
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), c.Args[2])
			cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
			if err := cmd.Start(); err != nil {
				return err
			}
			continue // it answers
		}
		switch {
		case err != nil:
			c.Say("%v", err)
		case !ok:
			c.Say("busy")
		default:
			held[key] = h
			c.Say("done")
		}
	}
})

func kindOf(cfg *Config) string {
	if cfg != nil && cfg.Flock {
		return "flock"
	}
	return "default"
}

func startLocker(t testing.TB, l *FileLock, cfg *Config, more ...string) *ipctest.Process {
	t.Helper()
	p := ipctest.Start(t, fileLocker, append([]string{l.Name(), kindOf(cfg)}, more...)...)
	p.Expect("open")
	return p
}

func TestFileLockBetweenProcesses(t *testing.T) {
	for kind, cfg := range fileLockConfigs() {
		t.Run(kind, func(t *testing.T) {
			l := newLock(t, cfg)
			p := startLocker(t, l, cfg)
			ctx := context.Background()

			tell(t, p, "lock", "done")
			if isFree(t, l.TryLock) || isFree(t, l.TryRLock) {
				t.Error("not excluded by an exclusive lock")
			}
			tell(t, p, "unlock", "done")

			tell(t, p, "rlock", "done")
			if isFree(t, l.TryLock) || !isFree(t, l.TryRLock) {
				t.Error("a shared lock excludes the wrong ones")
			}
			tell(t, p, "unlock", "done")

			mine := got(t)(l.Lock(ctx))
			tell(t, p, "trylock", "busy")
			tell(t, p, "tryrlock", "busy")
			p.Say("lock") // waits
			unlock(t, mine)
			p.Expect("done")
			// And the other way: we wait for it.
			result := make(chan error, 1)
			go func() {
				h, err := l.RLock(ctx)
				if err == nil {
					err = h.Unlock()
				}
				result <- err
			}()
			inQueue(t, l, 1)
			tell(t, p, "unlock", "done")
			if err := <-result; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFileLockWithinProcess(t *testing.T) {
	for kind, cfg := range fileLockConfigs() {
		t.Run(kind, func(t *testing.T) {
			l := newLock(t, cfg)
			again := openLock(t, l.Name(), cfg)
			ctx := context.Background()
			r1, r2, r3 := got(t)(l.RLock(ctx)), got(t)(l.RLock(ctx)), got(t)(again.RLock(ctx))
			for _, h := range []Held{r1, r2, r3} {
				if isFree(t, l.TryLock) {
					t.Error("readers don't exclude a writer")
				}
				unlock(t, h)
			}
			w := got(t)(l.Lock(ctx))
			if isFree(t, l.TryLock) || isFree(t, l.TryRLock) || isFree(t, again.TryLock) {
				t.Error("a writer does not exclude the others")
			}
			if w.Recovered() || w.MarkConsistent() != nil {
				t.Error("there was no holder to recover from")
			}
			unlock(t, w)
			err := w.Unlock()
			ipctest.WantError(t, err, os.ErrInvalid, "filelock unlock", l.Name())
			if !isFree(t, again.TryLock) {
				t.Error("still held")
			}
		})
	}
}

// Each of many goroutines has it alone, and all get it.
func TestFileLockManyGoroutines(t *testing.T) {
	for kind, cfg := range fileLockConfigs() {
		t.Run(kind, func(t *testing.T) {
			l := newLock(t, cfg)
			held := got(t)(l.Lock(context.Background()))
			const n = 200
			inside, count := new(atomic.Int32), 0 // count is guarded by the lock
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					h, err := l.Lock(context.Background())
					if err != nil {
						t.Error(err)
						return
					}
					if inside.Add(1) != 1 {
						t.Error("two at once")
					}
					count++
					inside.Add(-1)
					unlock(t, h)
				})
			}
			inQueue(t, l, n)
			unlock(t, held)
			all.Wait()
			if count != n {
				t.Errorf("%d of %d", count, n)
			}
		})
	}
}

func TestFileLockRanges(t *testing.T) {
	if !sys.HasRangeLocks {
		t.Skip("this system has no locks of ranges that belong to an open file")
	}
	l := newLock(t, nil)
	p := startLocker(t, l, nil)
	ctx := context.Background()
	tell(t, p, "lock 100 50", "done")
	for _, c := range []struct {
		offset, length int64
		free           bool
	}{
		{0, 100, true}, {0, 101, false}, {149, 1, false}, {150, 10, true}, {150, 0, true}, {120, 0, false}, {0, 0, false},
		{1 << 40, 1, true},
	} {
		if isFree(t, l.Range(c.offset, c.length).TryLock) != c.free {
			t.Errorf("%d bytes from %d on: free is %v", c.length, c.offset, !c.free)
		}
	}
	// Side by side, in one process too, and independent of each other.
	a, b := got(t)(l.Range(0, 10).Lock(ctx)), got(t)(l.Range(10, 10).Lock(ctx))
	unlock(t, a)
	tell(t, p, "trylock 0 10", "done")
	tell(t, p, "trylock 10 1", "busy")
	unlock(t, b)
	tell(t, p, "trylock 10 1", "done")
	// To the end, wherever that will be.
	end := got(t)(l.Range(1000, 0).RLock(ctx))
	tell(t, p, "trylock 9000000000 1", "busy")
	tell(t, p, "tryrlock 9000000000 1", "done")
	unlock(t, end)
	if info, err := os.Stat(l.Name()); err != nil || info.Size() != 0 {
		t.Error("locking changed the file: ", info.Size(), err)
	}
	for _, bad := range [][2]int64{{-1, 1}, {0, -1}, {1 << 62, 1 << 62}} {
		_, err := l.Range(bad[0], bad[1]).Lock(ctx)
		ipctest.WantError(t, err, os.ErrInvalid, "filelock lock", strconv.FormatInt(bad[0], 10))
	}
}

// idler is a process that does nothing but answer.
var idler = ipctest.Helper("idler", func(c *ipctest.Control) error {
	c.Say("child")
	for {
		c.Say("still here, %s", c.Hear())
	}
})

// A child that the holder started lives on, without the lock.
func TestFileLockChildOfHolder(t *testing.T) {
	for kind, cfg := range fileLockConfigs() {
		t.Run(kind, func(t *testing.T) {
			l := newLock(t, cfg)
			child := ""
			for _, v := range ipctest.HelperCommand(t, idler).Env {
				if strings.HasSuffix(v, "="+idler) {
					child = v
				}
			}
			// Both have these, and end when it is closed.
			theirIn, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			out, theirOut, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd := ipctest.HelperCommand(t, fileLocker, l.Name(), kind, child)
			cmd.Stdin, cmd.Stdout = theirIn, theirOut
			err = cmd.Start()
			theirIn.Close()
			theirOut.Close()
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			tell := func(command, answer string) {
				t.Helper()
				fmt.Fprintln(in, command)
				for lines.Scan() && lines.Text() == "open" {
				}
				if lines.Text() != answer {
					t.Fatalf("%s: %q, want %q", command, lines.Text(), answer)
				}
			}
			tell("lock", "done")
			tell("child", "child")
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			killed := time.Now()
			unlock(t, got(t)(l.Lock(context.Background())))
			ipctest.WantSince(t, killed, 200*time.Millisecond)
			cmd.Wait() // killed
			tell("are you", "still here, are you")
			in.Close()
			for lines.Scan() {
			}
		})
	}
}

// A cancelled wait leaves the kernel while the lock is still held, wherever on its
// way there it is. (Lock itself would not wait long for it.)
func TestFileLockLeavesKernel(t *testing.T) {
	for kind, cfg := range fileLockConfigs() {
		t.Run(kind, func(t *testing.T) {
			l := newLock(t, cfg)
			defer unlock(t, got(t)(l.Lock(context.Background())))
			for i := range ipctest.Count(500) + 10 {
				lock, err := sys.NewRangeLock(l.file, sys.Range{Exclusive: i%2 == 0, Flock: l.flock})
				if err != nil {
					t.Fatal(err)
				}
				result := make(chan error, 1)
				go func() { result <- lock.Wait() }()
				time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
				if err := lock.Close(); err != nil {
					t.Error(err)
				}
				select {
				case err := <-result:
					if errors.Is(err, errors.ErrUnsupported) {
						t.Skip(err)
					}
					if err != os.ErrClosed {
						t.Fatal(err)
					}
				case <-time.After(ipctest.Patience / 4):
					t.Fatal("it still waits")
				}
			}
		})
	}
}

// Waits that end at any moment, that of success too, leave nothing behind.
func TestFileLockCancelStorm(t *testing.T) {
	for kind, cfg := range fileLockConfigs() {
		t.Run(kind, func(t *testing.T) {
			l := newLock(t, cfg)
			other := openLock(t, l.Name(), cfg)
			var inside atomic.Int32
			var locked, cancelled atomic.Int64
			var all sync.WaitGroup
			const workers = 8
			for i := range workers {
				l := []*FileLock{l, other}[i%2]
				all.Go(func() {
					for range ipctest.Count(10_000) / workers {
						ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
						h, err := l.Lock(ctx)
						switch {
						case err == nil:
							if inside.Add(1) != 1 {
								t.Error("two at once")
							}
							if rand.IntN(2) == 0 {
								time.Sleep(time.Duration(rand.IntN(100)) * time.Microsecond)
							}
							inside.Add(-1)
							unlock(t, h)
							locked.Add(1)
						case errors.Is(err, context.DeadlineExceeded):
							cancelled.Add(1)
						default:
							t.Error(err)
						}
						cancel()
					}
				})
			}
			all.Wait()
			t.Logf("%d locked, %d cancelled", locked.Load(), cancelled.Load())
			if locked.Load() == 0 || cancelled.Load() == 0 {
				t.Error("no storm")
			}
			if !isFree(t, l.TryLock) {
				t.Error("a cancelled wait has it")
			}
		})
	}
}

func TestFileLockOpen(t *testing.T) {
	dir := t.TempDir()
	t.Run("content", func(t *testing.T) {
		path := filepath.Join(dir, "data")
		if err := os.WriteFile(path, []byte("keep me"), 0o644); err != nil {
			t.Fatal(err)
		}
		l := openLock(t, path, &Config{Mode: 0o666})
		unlock(t, got(t)(l.Lock(context.Background())))
		if text, err := os.ReadFile(path); string(text) != "keep me" || err != nil {
			t.Error(text, err)
		}
		if l.Name() != path {
			t.Error(l.Name())
		}
	})
	t.Run("directory", func(t *testing.T) {
		_, err := OpenFileLock(dir, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, "filelock open", dir)
	})
	t.Run("nowhere", func(t *testing.T) {
		_, err := OpenFileLock(filepath.Join(dir, "no", "such"), nil)
		ipctest.WantError(t, err, os.ErrNotExist, "filelock open")
	})
	t.Run("bad mode", func(t *testing.T) {
		_, err := OpenFileLock(filepath.Join(dir, "mode"), &Config{Mode: os.ModeSetuid})
		ipctest.WantError(t, err, os.ErrInvalid)
	})
	t.Run("relative", func(t *testing.T) {
		t.Chdir(dir)
		l := openLock(t, "relative", nil)
		t.Chdir(os.TempDir())
		unlock(t, got(t)(l.Lock(context.Background())))
	})
	if !sys.HasFlock {
		_, err := OpenFileLock(filepath.Join(dir, "flock"), &Config{Flock: true})
		ipctest.WantError(t, err, errors.ErrUnsupported)
	}
}

func TestFileLockClaim(t *testing.T) {
	l := newLock(t, nil)
	held := got(t)(l.Lock(context.Background()))
	c := new(robust.Claim)
	result := make(chan error, 1)
	go func() {
		_, err := l.all().wait(context.Background(), c, true)
		result <- err
	}()
	inQueue(t, l, 1)
	if ok, err := c.Take(func() (bool, error) { return true, nil }); !ok || err != nil {
		t.Fatal(ok, err)
	}
	unlock(t, held)
	ipctest.WantError(t, <-result, robust.ErrTaken)
	if !isFree(t, l.TryLock) {
		t.Error("taken in spite of the claim")
	}
}

// A file that is free is locked even if the context is done, as a mutex is.
func TestFileLockFreeWithDoneContext(t *testing.T) {
	l := newLock(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := got(t)(l.Lock(ctx))
	_, err := l.Lock(ctx)
	ipctest.WantError(t, err, context.Canceled)
	unlock(t, h)
}
