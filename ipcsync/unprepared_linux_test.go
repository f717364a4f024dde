package ipcsync

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// A Create that fails leaves nothing that the next one trips over.
func TestFailedCreateLeavesNothing(t *testing.T) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
	at := newPlace(t, 1)
	next, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(next)
	for more := range 4 {
		name := ipctest.UniqueName()
		few := unix.Rlimit{Cur: uint64(next + more), Max: old.Max}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
			t.Fatal(err)
		}
		m, errMutex := CreateMutex(name, nil)
		p, errPlace := CreateMutex("", &Config{At: at})
		s, errTracked := CreateSemaphore(name, 1, tracking)
		unix.Setrlimit(unix.RLIMIT_NOFILE, &old)
		if errMutex == nil {
			m.Close()
			Remove(KindMutex, name, nil)
		}
		if errPlace == nil {
			p.Close()
			if _, err := at.File.WriteAt(make([]byte, Size), at.Offset); err != nil {
				t.Fatal(err)
			}
		} else if p, err := OpenMutex("", &Config{At: at}); !errors.Is(err, fs.ErrNotExist) {
			p.Close()
			t.Errorf("%d descriptors: the place has an object: %v", more, err)
		}
		if errTracked == nil {
			s.Close()
			Remove(KindSemaphore, name, nil)
		}
		for _, path := range []string{"bw.mutex.", "bw.track.", "sem."} {
			if _, err := os.Stat("/dev/shm/" + path + name); err == nil {
				t.Errorf("%d descriptors: %s%s is left (%v, %v)", more, path, name, errMutex, errTracked)
			}
		}
	}
}

// A table beside a semaphore that C has removed is in no way.
func TestTableOfARemovedSemaphore(t *testing.T) {
	name := ipctest.UniqueName()
	table := func(slots int) *Config { return &Config{Track: true, Slots: slots} }
	s, err := CreateSemaphore(name, 2, table(4))
	if err != nil {
		t.Fatal(err)
	}
	defer Remove(KindSemaphore, name, nil)
	o, err := OpenSemaphore(name, table(10)) // takes what there is
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
	_, err = OpenOrCreateSemaphore(name, 2, table(10))
	ipctest.WantError(t, err, breezeway.ErrMismatch, "Config.Slots")
	s.Close()
	unlink := func() {
		t.Helper()
		if err := os.Remove("/dev/shm/sem." + name); err != nil { // sem_unlink
			t.Fatal(err)
		}
	}
	unlink()
	if s, err = CreateSemaphore(name, 2, table(10)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	unlink()
	if err := Remove(KindSemaphore, name, nil); err != nil {
		t.Errorf("the table alone can't be removed: %v", err)
	}
	ipctest.WantError(t, Remove(KindSemaphore, name, nil), os.ErrNotExist)
}

// In zeros, and in what a killed creator left, there is no semaphore, and one can be
// created.
func TestNoSemaphoreInAPlace(t *testing.T) {
	at := newPlace(t, 1)
	cfg := &Config{At: at}
	for what, bytes := range map[string][]byte{
		"zeros":      make([]byte, 32),
		"unfinished": append([]byte{5, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}, make([]byte, 16)...),
	} {
		if _, err := at.File.WriteAt(bytes, at.Offset); err != nil {
			t.Fatal(err)
		}
		_, err := OpenSemaphore("", cfg)
		ipctest.WantError(t, err, os.ErrNotExist)
		s, err := CreateSemaphore("", 3, cfg)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n, err := s.Value(); n != 3 || err != nil {
			t.Errorf("%s: %d, %v", what, n, err)
		}
		s.Close()
	}
	if _, err := at.File.WriteAt(append(make([]byte, 16), 1), at.Offset); err != nil {
		t.Fatal(err)
	}
	_, err := CreateSemaphore("", 3, cfg)
	ipctest.WantError(t, err, os.ErrExist)
}

// Bytes that are not zero are not overwritten, wherever they stand.
func TestCreateOverBytes(t *testing.T) {
	at := newPlace(t, 1)
	if _, err := at.File.WriteAt([]byte("precious"), at.Offset+4096); err != nil {
		t.Fatal(err)
	}
	_, err := CreateMutex("", &Config{At: at})
	ipctest.WantError(t, err, os.ErrExist)
	var b [8]byte
	if _, err := at.File.ReadAt(b[:], at.Offset+4096); err != nil || string(b[:]) != "precious" {
		t.Errorf("%q, %v", b, err)
	}
}

// A file that can't be read, or is closed, is not one without an object.
func TestPlaceInAClosedFile(t *testing.T) {
	at := newPlace(t, 1)
	w, err := os.OpenFile(at.File.Name(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, closed := range []bool{false, true} {
		if closed {
			w.Close()
		}
		_, err := OpenMutex("", &Config{At: Place{File: w}})
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("closed %v: %v", closed, err)
		}
		if closed && !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	}
}

// bare runs where /dev/shm is no place for files, and says what comes of making objects.
var bare = ipctest.Helper("bare", func(c *ipctest.Control) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("/proc", "/dev/shm", "", unix.MS_BIND, ""); err != nil {
		return err
	}
	name := c.Args[0]
	for what, open := range map[string]func() (io.Closer, error){
		"CreateMutex":         func() (io.Closer, error) { return CreateMutex(name+"a", nil) },
		"OpenOrCreateRWMutex": func() (io.Closer, error) { return OpenOrCreateRWMutex(name+"b", nil) },
		"CreateSemaphore":     func() (io.Closer, error) { return CreateSemaphore(name+"c", 1, nil) },
		"Lead":                func() (io.Closer, error) { return Lead(context.Background(), name+"d", nil) },
	} {
		_, err := open()
		if !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "can't be made in /dev/shm") {
			c.Say("%s: %v", what, err)
		}
	}
	c.Say("end")
	return nil
})

// What the system lacks is named: the object is not what is missing.
func TestSharedMemoryTakesNoFiles(t *testing.T) {
	cmd := ipctest.HelperCommand(t, bare, ipctest.UniqueName())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := (&exec.Cmd{Path: "/bin/true", SysProcAttr: cmd.SysProcAttr}).Run(); err != nil {
		ipctest.Missing(t, "this process can't have mounts of its own:", err.Error())
	}
	p := ipctest.StartCommand(t, cmd)
	p.Expect("end")
	p.Wait()
}
