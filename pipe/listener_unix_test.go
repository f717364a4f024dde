//go:build unix

package pipe

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

const connectsInOrder = true

// shortDir returns a temporary directory whose path leaves room for a socket's.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("not left empty: %v", err)
		}
	})
	return dir
}

// leaveStale leaves the socket of a dead server at name.
func leaveStale(t testing.TB, name string) {
	t.Helper()
	path, err := pathOf(name, "")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestTakenByOtherThings(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "x")
	for what, create := range map[string]func() error{
		"a regular file":  func() error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"a directory":     func() error { return os.Mkdir(path, 0o700) },
		"a symbolic link": func() error { return os.Symlink("/nowhere", path) },
		"a FIFO":          func() error { return unix.Mkfifo(path, 0o600) },
	} {
		if err := create(); err != nil {
			t.Fatal(err)
		}
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Listen(path, nil)
		if !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) || after.Size() != before.Size() {
			t.Errorf("%s was not left alone: %v", what, err)
		}
		os.Remove(path)
	}
}

// A server that has bound but not called listen yet must not be displaced.
func TestBoundNotListening(t *testing.T) {
	path := filepath.Join(shortDir(t), "x")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	if _, err := Listen(path, nil); !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
}

func TestModeWhateverTheUmask(t *testing.T) {
	path := filepath.Join(shortDir(t), "x")
	for _, umask := range []int{0, 0o027, 0o777} {
		for _, mode := range []fs.FileMode{0, 0o600, 0o660, 0o666} {
			old := syscall.Umask(umask)
			l, err := Listen(path, &Config{Mode: mode})
			syscall.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			want := mode
			if want == 0 {
				want = 0o600
			}
			if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %03o, mode %03o: %v, %v", umask, mode, info.Mode(), err)
			}
			l.Close()
		}
	}
}

func TestPathTooLong(t *testing.T) {
	dir := shortDir(t)
	path := dir + "/" + strings.Repeat("p", 107-len(dir)-1)
	l, err := Listen(path, nil)
	if err != nil {
		t.Errorf("107 bytes: %v", err)
	} else {
		l.Close()
	}
	for _, f := range []func(string) error{
		func(path string) error { _, err := Listen(path, nil); return err },
		func(path string) error { _, err := Dial(context.Background(), path, nil); return err },
	} {
		if err := f(path + "p"); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "107") {
			t.Errorf("108 bytes: %v", err)
		}
	}
}

func TestUnusableTMPDIR(t *testing.T) {
	dir := shortDir(t)
	t.Setenv("TMPDIR", dir+"/missing")
	if _, err := Listen("chat", nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("missing: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Setenv("TMPDIR", dir)
		os.Chmod(dir, 0o500)
		if _, err := Listen("chat", nil); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "TMPDIR") {
			t.Errorf("not writable: %v", err)
		}
	}
	t.Setenv("TMPDIR", "/proc/self/fdinfo") // where not even root creates files
	if _, err := Listen("chat", nil); err == nil {
		t.Error("listens in /proc")
	} else {
		t.Log(err)
	}
}

// Another program may take the path without asking; Close must then leave its
// file alone.
func TestStolenName(t *testing.T) {
	path := filepath.Join(shortDir(t), "x")
	l := mustListen(t, path, nil)
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
	l.Close()
	mustDial(t, path, nil).Close()
}

func TestDialSomethingElse(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "x")
	os.WriteFile(path, nil, 0o600)
	if _, err := Dial(context.Background(), path, nil); err == nil {
		t.Error("connected to a file")
	} else {
		t.Log(err)
	}
	os.Remove(path)
}

func TestDialWaitMissingDirectory(t *testing.T) {
	dir := shortDir(t) + "/later"
	result := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
		defer cancel()
		c, err := DialWait(ctx, dir+"/sock", nil)
		if err == nil {
			c.Close()
		}
		result <- err
	}()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	l, err := Listen(dir+"/sock", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
}
