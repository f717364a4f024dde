package local

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"golang.org/x/sys/unix"
)

func TestListenWithoutDescriptors(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	path := filepath.Join(t.TempDir(), "x")
	next, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(next)
	for more := range 4 {
		few := unix.Rlimit{Cur: uint64(next + more), Max: old.Max}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			l, err := Listen(path, access.Rule{})
			if err == nil {
				l.Close()
			}
			ended <- err
		}()
		select {
		case err := <-ended:
			if err != nil && !errors.Is(err, unix.EMFILE) || err == nil && more == 0 {
				t.Errorf("%d descriptors: %v, want EMFILE", more, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%d descriptors: Listen doesn't end", more)
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
	}
}
