package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// writer makes, holds, touches and removes the file Args[0] as it is told.
var writer = ipctest.Helper("writer", func(c *ipctest.Control) error {
	var f *os.File
	for {
		var err error
		switch c.Hear() {
		case "make":
			f, err = os.Create(c.Args[0])
		case "touch":
			err = os.Chtimes(c.Args[0], time.Now(), time.Now())
		case "remove":
			f.Close()
			err = os.Remove(c.Args[0])
		default:
			return nil
		}
		if err != nil {
			return err
		}
		c.Say("done")
	}
})

// named begins to watch a path, and pauses for an hour.
func named(t *testing.T, path string) *Name {
	t.Helper()
	n := NewName(path)
	t.Cleanup(n.Close)
	n.pause.next = time.Hour
	return n
}

func wantWoken(t *testing.T, n *Name) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	n.pause.next = time.Hour
	if err := n.Wait(ctx); err != nil {
		t.Fatalf("not woken: %v", err)
	}
}

func TestNameIsWoken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	p := ipctest.Start(t, writer, path)
	for range 20 {
		n := named(t, path)
		for _, what := range []string{"make", "touch"} {
			p.Say(what)
			wantWoken(t, n)
			p.Expect("done")
		}
		n.Close()
		p.Say("remove")
		p.Expect("done")
	}
}

func TestNameIgnoresOtherFiles(t *testing.T) {
	dir := t.TempDir()
	n := named(t, filepath.Join(dir, "file"))
	other := named(t, filepath.Join(dir, "other"))
	p := ipctest.Start(t, writer, filepath.Join(dir, "other"))
	p.Say("make")
	wantWoken(t, other) // so that the event has come
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := n.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("woken by another file: %v", err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	n := named(t, filepath.Join(t.TempDir(), "file"))
	time.AfterFunc(time.Millisecond, func() { cancel(cause) })
	if err := n.Wait(ctx); err != cause {
		t.Error(err)
	}
	if err := n.Wait(ctx); err != cause {
		t.Errorf("a context that is done: %v", err)
	}
}

// Where nothing can be watched Wait pauses.
func TestNameInNoDirectory(t *testing.T) {
	n := NewName("/no/such/directory/file")
	defer n.Close()
	for range 3 {
		if err := n.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A .. after a link leads to the parent of where the link leads.
func TestNameInADirectoryByALink(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := errors.Join(os.MkdirAll("a/b", 0o700), os.Symlink("a/b", "l")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"l/../x", "a/y", "z"} {
		n := named(t, path)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantWoken(t, n)
	}
}

func TestFileOfAKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	p := ipctest.Start(t, writer, path)
	p.Say("make")
	p.Expect("done")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	closed := make(chan struct{}, 1)
	s, ok := File(f, func() { closed <- struct{}{} })
	if !ok {
		t.Fatal("not granted")
	}
	defer s.Cancel()
	p.Kill()
	select {
	case <-closed:
	case <-time.After(ipctest.Patience):
		t.Error("not told of the death")
	}
}

// However many watches there are, of files and of names, also in one directory, the
// process has one instance, and none after a while without.
func TestOneInstance(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 3 {
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				n := NewName(filepath.Join(dir, "name"))
				defer n.Close()
				s, ok := File(f, func() {})
				if !ok {
					t.Error("not granted")
				}
				defer s.Cancel()
				if count := instances(t); count > 1 {
					t.Errorf("%d instances", count)
				}
			})
		}
		all.Wait()
	}
	for end := time.Now().Add(ipctest.Patience); instances(t) > 0; time.Sleep(linger / 10) {
		if time.Now().After(end) {
			t.Fatal("the instance stays open")
		}
	}
}

// instances counts the inotify instances that this process has open. One that is
// being closed is not listed.
func instances(t *testing.T) (n int) {
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Error(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.Contains(to, "inotify") {
			n++
		}
	}
	return n
}
