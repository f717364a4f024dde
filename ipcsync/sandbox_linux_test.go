package ipcsync

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// confined uses every kind that args[0] names, in a process that lacks something, and says
// what came of each: "ok" or the error.
var confined = ipctest.Helper("confined", func(c *ipctest.Control) error {
	ctx := context.Background()
	attempts := map[string]func() error{
		"mutex": func() error {
			m, err := CreateMutex(c.Args[1], nil)
			if err != nil {
				return err
			}
			defer m.Close()
			h, err := m.Lock(ctx)
			if err != nil {
				return err
			}
			return errors.Join(h.Unlock(), Remove(KindMutex, c.Args[1], nil))
		},
		"semaphore":         func() error { return acquireOnce(ctx, c.Args[1], nil) },
		"tracked semaphore": func() error { return acquireOnce(ctx, c.Args[1], &Config{Track: true}) },
		"file":              func() error { return lockOnce(ctx, c.Args[2], nil) },
		"flock":             func() error { return lockOnce(ctx, c.Args[2], &Config{Flock: true}) },
	}
	for kind := range strings.SplitSeq(c.Args[0], ",") {
		switch err := attempts[kind](); {
		case errors.Is(err, errors.ErrUnsupported):
			c.Say("unsupported: %v", err)
		case err != nil:
			c.Say("%v", err)
		default:
			c.Say("ok")
		}
	}
	return nil
})

func acquireOnce(ctx context.Context, name string, cfg *Config) error {
	s, err := CreateSemaphore(name, 1, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Acquire(ctx); err != nil {
		return err
	}
	_, err = s.Release(1)
	return errors.Join(err, Remove(KindSemaphore, name, nil))
}

func lockOnce(ctx context.Context, path string, cfg *Config) error {
	l, err := OpenFileLock(path, cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	h, err := l.Lock(ctx)
	if err != nil {
		return err
	}
	return h.Unlock()
}

// confinedTo starts confined, and returns it and where nothing may be left.
func confinedTo(t *testing.T, missing, kinds string) (p *ipctest.Process, objects string) {
	name := ipctest.UniqueName()
	file := filepath.Join(t.TempDir(), "lock")
	return ipctest.StartWithout(t, missing, confined, kinds, name, file), filepath.Join("/dev/shm", "*"+name)
}

func wantNoObjects(t *testing.T, pattern string) {
	t.Helper()
	if left, err := filepath.Glob(pattern); len(left) > 0 || err != nil {
		t.Errorf("left behind: %q, %v", left, err)
		for _, path := range left {
			os.Remove(path)
		}
	}
}

// Everything works, in slower ways, where one of these is missing.
func TestWithoutWhatCanBeReplaced(t *testing.T) {
	const all = "mutex,semaphore,tracked semaphore,file,flock"
	for _, missing := range []string{"proc", "O_TMPFILE", "O_TMPFILE,proc", "futex_waitv", "inotify", "fallocate", "xattr", "membarrier"} {
		t.Run(missing, func(t *testing.T) {
			p, objects := confinedTo(t, missing, all)
			for range strings.SplitSeq(all, ",") {
				p.Expect("ok")
			}
			wantNoObjects(t, objects)
		})
	}
}

// Locks that survive their holders' deaths need locks that belong to an open file. What
// needs none works; the rest says what is missing, and leaves nothing.
func TestWithoutLocksOfOpenFiles(t *testing.T) {
	p, objects := confinedTo(t, "OFD locks", "semaphore,flock,mutex,tracked semaphore,file")
	p.Expect("ok")
	p.Expect("ok")
	for range 3 {
		if line := p.Hear(); !strings.HasPrefix(line, "unsupported: ") || !strings.Contains(line, "F_OFD_") {
			t.Error(line)
		}
	}
	wantNoObjects(t, objects)
}

func TestSharedMemoryIsReadOnly(t *testing.T) {
	p, objects := confinedTo(t, "writable /dev/shm", "semaphore,mutex,tracked semaphore")
	for range 3 {
		if line := p.Hear(); !strings.HasPrefix(line, "unsupported: ") || !strings.Contains(line, "/dev/shm is mounted read-only") {
			t.Error(line)
		}
	}
	wantNoObjects(t, objects)
}
