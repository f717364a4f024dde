package shm

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// confined makes an unnamed segment, a named one and a latest value, in a process that
// lacks something, and says what came of each: "ok" or the error.
var confined = ipctest.Helper("confined", func(c *ipctest.Control) error {
	say := func(err error) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			c.Say("unsupported: %v", err)
		case err != nil:
			c.Say("%v", err)
		default:
			c.Say("ok")
		}
	}
	unnamed, err := CreateUnnamed(4096, nil)
	if err == nil {
		err = unnamed.Close()
	}
	say(err)
	named, err := Create(c.Args[0], 4096, nil)
	if err == nil {
		err = errors.Join(named.Close(), Remove(KindSegment, c.Args[0], nil))
	}
	say(err)
	latest, err := CreateLatest[int64](c.Args[0], nil)
	if err == nil {
		err = errors.Join(publishOnce(latest), latest.Close(), Remove(KindLatest, c.Args[0], nil))
	}
	say(err)
	return nil
})

// publishOnce publishes a value to a reader that waits for it.
func publishOnce(latest *Latest[int64]) error {
	w, err := latest.TryWriter()
	if err != nil {
		return err
	}
	read := make(chan error)
	go func() {
		_, _, err := latest.Wait(context.Background(), 0)
		read <- err
	}()
	return errors.Join(w.Store(7), <-read, w.Close())
}

func TestWithoutMemoryWithoutAName(t *testing.T) {
	for missing, what := range map[string]string{"memfd_create": "memfd_create", "seals": "F_ADD_SEALS"} {
		t.Run(missing, func(t *testing.T) {
			p := ipctest.StartWithout(t, missing, confined, ipctest.UniqueName())
			if line := p.Hear(); !strings.HasPrefix(line, "unsupported: ") || !strings.Contains(line, what) {
				t.Error(line)
			}
			p.Expect("ok")
			p.Expect("ok")
		})
	}
}

// Everything works, in slower ways, where one of these is missing.
func TestWithoutWhatCanBeReplaced(t *testing.T) {
	for _, missing := range []string{"memfd noexec", "proc", "O_TMPFILE", "futex_waitv", "membarrier", "inotify", "fallocate", "xattr"} {
		t.Run(missing, func(t *testing.T) {
			p := ipctest.StartWithout(t, missing, confined, ipctest.UniqueName())
			for range 3 {
				p.Expect("ok")
			}
		})
	}
}

func TestSharedMemoryIsReadOnly(t *testing.T) {
	name := ipctest.UniqueName()
	p := ipctest.StartWithout(t, "writable /dev/shm", confined, name)
	p.Expect("ok")
	for range 2 {
		if line := p.Hear(); !strings.HasPrefix(line, "unsupported: ") || !strings.Contains(line, "/dev/shm is mounted read-only") {
			t.Error(line)
		}
	}
	if left, err := filepath.Glob(filepath.Join("/dev/shm", "*"+name)); len(left) > 0 || err != nil {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
