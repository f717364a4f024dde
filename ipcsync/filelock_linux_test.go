package ipcsync

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// lockAsync starts a Lock whose error the channel gets, when it has unlocked.
func lockAsync(l *FileLock) <-chan error {
	result := make(chan error, 1)
	go func() {
		h, err := l.Lock(context.Background())
		if err == nil {
			err = h.Unlock()
		}
		result <- err
	}()
	return result
}

// A waiter that is stopped and continued goes on waiting.
func TestFileLockStoppedWaiter(t *testing.T) {
	l := newLock(t, nil)
	held := got(t)(l.Lock(context.Background()))
	p := startLocker(t, l, nil)
	p.Say("lock")
	for range 20 {
		p.Process.Signal(syscall.SIGSTOP)
		p.Process.Signal(syscall.SIGCONT)
		p.Process.Signal(syscall.SIGURG) // interrupts, and means nothing
	}
	unlock(t, held)
	p.Expect("done")
}

func TestFileLockRemoved(t *testing.T) {
	remove := func(t *testing.T, path string) {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	replace := func(t *testing.T, path string) {
		if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*testing.T, string){"replaced": replace} {
		t.Run(name, func(t *testing.T) {
			l := newLock(t, nil)
			held := got(t)(l.Lock(context.Background()))
			// One sleeps in the kernel, one behind it, one in another queue.
			results := []<-chan error{lockAsync(l), lockAsync(l), make(chan error)}
			reader := make(chan error, 1)
			go func() {
				_, err := l.RLock(context.Background())
				reader <- err
			}()
			results[2] = reader
			inQueue(t, l, 3)
			change(t, l.Name())
			start := time.Now()
			for _, result := range results {
				ipctest.WantError(t, <-result, breezeway.ErrRemoved, l.Name())
			}
			ipctest.WantSince(t, start, time.Second)
			unlock(t, held)
			_, err := l.Lock(context.Background())
			ipctest.WantError(t, err, breezeway.ErrRemoved)
			_, ok, err := l.TryLock()
			ipctest.WantError(t, err, breezeway.ErrRemoved)
			if ok {
				t.Error("locked what is removed")
			}
			unlock(t, got(t)(openLock(t, l.Name(), nil).Lock(context.Background())))
		})
	}
	// What flock(1) users do: the holder removes the file, then unlocks.
	t.Run("on unlock", func(t *testing.T) {
		l := newLock(t, nil)
		held := got(t)(l.Lock(context.Background()))
		result := lockAsync(l)
		inQueue(t, l, 1)
		remove(t, l.Name())
		unlock(t, held)
		ipctest.WantError(t, <-result, breezeway.ErrRemoved)
	})
}

func threads(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Goroutines that want the same lock share a thread.
func TestFileLockThreads(t *testing.T) {
	l := newLock(t, nil)
	held := got(t)(l.Lock(context.Background()))
	before := threads(t)
	var results []<-chan error
	for range 1000 {
		results = append(results, lockAsync(l))
	}
	inQueue(t, l, len(results))
	if more := threads(t) - before; more > runtime.GOMAXPROCS(0)+16 {
		t.Errorf("%d more threads", more)
	}
	unlock(t, held)
	for _, result := range results {
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
}

func TestFileLockOpenLinux(t *testing.T) {
	dir := t.TempDir()
	mode := func(t *testing.T, path string, want os.FileMode) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil || info.Mode() != want || info.Size() != 0 {
			t.Errorf("%v, %v; want %v", info, err, want)
		}
	}
	t.Run("mode", func(t *testing.T) {
		defer syscall.Umask(syscall.Umask(0o077))
		mode(t, openLock(t, filepath.Join(dir, "private"), nil).Name(), 0o600)
		public := &Config{Mode: 0o666}
		mode(t, openLock(t, filepath.Join(dir, "public"), public).Name(), 0o666)
		s, err := public.settings(fileLockKind)
		if err != nil {
			t.Fatal(err)
		}
		if err := makePlainly(filepath.Join(dir, "plain"), s); err != nil {
			t.Error(err)
		}
		mode(t, filepath.Join(dir, "plain"), 0o666)
		if err := makePlainly(filepath.Join(dir, "plain"), s); !errors.Is(err, os.ErrExist) {
			t.Error(err)
		}
	})
	t.Run("symbolic link", func(t *testing.T) {
		target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		_, err := OpenFileLock(link, nil)
		ipctest.WantError(t, err, os.ErrNotExist, "symbolic link")
		l := openLock(t, target, nil)
		h := got(t)(openLock(t, link, nil).Lock(context.Background()))
		if isFree(t, l.TryLock) {
			t.Error("the link leads elsewhere")
		}
		unlock(t, h)
	})
	t.Run("FIFO", func(t *testing.T) {
		fifo := filepath.Join(dir, "fifo")
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenFileLock(fifo, nil)
		ipctest.WantError(t, err, breezeway.ErrMismatch, "no regular file")
	})
	// A running program can't be opened for writing, not even by root.
	t.Run("read-only", func(t *testing.T) {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		l := openLock(t, exe, nil)
		unlock(t, got(t)(l.RLock(context.Background())))
		_, err = l.Lock(context.Background())
		ipctest.WantError(t, err, os.ErrPermission, "text file busy", "RLock")
		unlock(t, got(t)(openLock(t, exe, &Config{Flock: true}).Lock(context.Background())))
	})
	t.Run("flock of a range", func(t *testing.T) {
		_, err := openLock(t, filepath.Join(dir, "whole"), &Config{Flock: true}).Range(1, 1).Lock(context.Background())
		ipctest.WantError(t, err, errors.ErrUnsupported, "whole files")
	})
}

func TestFileLockPython(t *testing.T) {
	peer := ipctest.Python(t, "testdata/filelock.py")
	for call, cfg := range map[string]*Config{"lockf": nil, "flock": {Flock: true}} {
		t.Run(call, func(t *testing.T) {
			l := newLock(t, cfg)
			p := ipctest.StartCommand(t, peer(l.Name()))
			p.Expect("open")
			tell(t, p, call+" lock", "done")
			if isFree(t, l.TryLock) || isFree(t, l.TryRLock) {
				t.Error("not excluded by Python")
			}
			result := lockAsync(l)
			inQueue(t, l, 1)
			tell(t, p, call+" unlock", "done")
			if err := <-result; err != nil {
				t.Error(err)
			}
			mine := got(t)(l.RLock(context.Background()))
			tell(t, p, call+" trylock", "busy")
			tell(t, p, call+" tryrlock", "done")
			tell(t, p, call+" unlock", "done")
			p.Say(call + " lock") // waits
			unlock(t, mine)
			p.Expect("done")
			// It dies holding it.
			result = lockAsync(l)
			inQueue(t, l, 1)
			p.Kill()
			if err := <-result; err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("ranges", func(t *testing.T) {
		l := newLock(t, nil)
		p := ipctest.StartCommand(t, peer(l.Name()))
		p.Expect("open")
		tell(t, p, "lockf lock 100 50", "done")
		if !isFree(t, l.Range(0, 100).TryLock) || isFree(t, l.Range(149, 1).TryRLock) || !isFree(t, l.Range(150, 0).TryLock) {
			t.Error("Python locks another range")
		}
		h := got(t)(l.Range(0, 10).Lock(context.Background()))
		tell(t, p, "lockf trylock 9 1", "busy")
		tell(t, p, "lockf trylock 10 1", "done")
		unlock(t, h)
	})
	t.Run("not each other", func(t *testing.T) {
		l := newLock(t, nil)
		p := ipctest.StartCommand(t, peer(l.Name()))
		p.Expect("open")
		tell(t, p, "flock lock", "done")
		if !isFree(t, l.TryLock) {
			t.Error("flock(2) meets fcntl(2)")
		}
	})
}

// flock(1) and we exclude each other.
func TestFileLockUtilLinux(t *testing.T) {
	flock, err := exec.LookPath("flock")
	if err != nil {
		ipctest.Missing(t, "flock (util-linux) is not installed")
	}
	l := newLock(t, &Config{Flock: true})
	h := got(t)(l.Lock(context.Background()))
	var exit *exec.ExitError
	err = exec.Command(flock, "--nonblock", "--conflict-exit-code", "99", l.Name(), "true").Run()
	if !errors.As(err, &exit) || exit.ExitCode() != 99 {
		t.Errorf("flock(1) is not excluded: %v", err)
	}
	p := ipctest.StartCommand(t, exec.Command(flock, l.Name(), "sh", "-c", "echo inside; read line"))
	unlock(t, h)
	p.Expect("inside")
	if isFree(t, l.TryLock) {
		t.Error("not excluded by flock(1)")
	}
	result := lockAsync(l)
	inQueue(t, l, 1)
	p.Say("leave")
	if err := <-result; err != nil {
		t.Error(err)
	}
}
