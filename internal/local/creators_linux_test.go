package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/access"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// holder holds the creators' lock of the endpoint at Args[0] until it is told to give it
// up.
var holder = ipctest.Helper("holder", func(c *ipctest.Control) error {
	unlock, err := lockCreators(context.Background(), c.Args[0])
	if err != nil {
		return err
	}
	c.AtEnd(unlock)
	c.Say("locked")
	c.Hear()
	unlock()
	c.Say("unlocked")
	c.Hear()
	return nil
})

// busyServer listens at Args[0] and closes as often as Args[1] says, and fails if
// anything but another server is in the way.
var busyServer = ipctest.Helper("busy server", func(c *ipctest.Control) error {
	var rounds int
	if _, err := fmt.Sscan(c.Args[1], &rounds); err != nil {
		return err
	}
	served := 0
	for range rounds {
		l, err := Listen(c.Args[0], access.Rule{})
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		served++
		if now, err := os.Lstat(c.Args[0]); err != nil || !os.SameFile(now, l.file) {
			return fmt.Errorf("displaced while it listened: %v", err)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	c.Say("served %d", served)
	return nil
})

// place returns the path of an endpoint in a directory that must be left empty.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "k")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("something was left: %v", err)
		}
	})
	return filepath.Join(dir, "x")
}

func mustListen(t *testing.T, path string) *Listener {
	t.Helper()
	l, err := Listen(path, access.Rule{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// listening calls Listen, and returns when that sleeps until the lock is free.
func listening(t *testing.T, path string) (result chan error) {
	t.Helper()
	result = make(chan error)
	go func() {
		l, err := Listen(path, access.Rule{})
		if err == nil {
			err = l.Close()
		}
		result <- err
	}()
	if err := ipctest.AwaitAsleep("sys.(*RangeLock).Wait", 1); err != nil {
		t.Error(err)
	}
	return result
}

func TestListenIsWokenWhenTheLockIsFree(t *testing.T) {
	path := place(t)
	p := ipctest.Start(t, holder, path)
	p.Expect("locked")
	result := listening(t, path)
	p.Say("unlock")
	if err := <-result; err != nil {
		t.Error(err)
	}
	p.Expect("unlocked")
}

func TestListenIsWokenWhenTheHolderIsKilled(t *testing.T) {
	path := place(t)
	p := ipctest.Start(t, holder, path)
	p.Expect("locked")
	result := listening(t, path)
	p.Kill()
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// A stopped holder of the lock delays neither a Close of that name nor a Listen at
// another one.
func TestCloseWhileAStoppedProcessHoldsTheLock(t *testing.T) {
	path := place(t)
	l := mustListen(t, path)
	p := ipctest.Start(t, holder, path)
	p.Expect("locked")
	ipctest.Stop(t, p.Process.Pid)

	start := time.Now()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	other := mustListen(t, path+"2")
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	ipctest.WantSince(t, start, 500*time.Millisecond)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Close left the socket: %v", err)
	}

	p.Kill()
	mustListen(t, path).Close()
}

// No server is displaced while it listens, though servers close without the lock.
func TestListenAndCloseInATurmoil(t *testing.T) {
	path := place(t)
	servers := make([]*ipctest.Process, 4)
	for i := range servers {
		servers[i] = ipctest.Start(t, busyServer, path, fmt.Sprint(ipctest.Count(40_000)))
	}
	for _, p := range servers {
		t.Log(p.Hear())
		if err := p.Wait(); err != nil {
			t.Errorf("%v: %s", err, p.Stderr())
		}
	}
}

// No Listen fails because others were faster to lock.
func TestManyThatListenTakeTurns(t *testing.T) {
	path := place(t)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range ipctest.Count(2_000) {
				unlock, err := lockCreators(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				unlock()
			}
		})
	}
	all.Wait()
}

// The same user under another number takes the same lock.
func TestLockFromAnotherUserNamespace(t *testing.T) {
	if os.Geteuid() != 0 {
		ipctest.Missing(t, "only root can start a process in a user namespace of its own everywhere")
	}
	path := place(t)
	cmd := ipctest.HelperCommand(t, holder, path)
	const inside = 12345
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: inside, HostID: 0, Size: 1}},
		Credential:  &syscall.Credential{Uid: inside, Gid: inside, NoSetGroups: true},
	}
	p := ipctest.StartCommand(t, cmd)
	p.Expect("locked")
	result := listening(t, path)
	p.Say("unlock")
	if err := <-result; err != nil {
		t.Error(err)
	}
	p.Expect("unlocked")
}

// While a server closes, clients are told that none listens, and creators that one is
// still there.
func TestRefusesBeforeItGivesTheNameUp(t *testing.T) {
	path := place(t)
	l := mustListen(t, path)
	l.refuse()
	if _, err := Dial(t.Context(), path, access.Rule{}); !IsAbsent(err) {
		t.Errorf("Dial: %v, want that no server is there", err)
	}
	if _, err := Listen(path, access.Rule{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Listen: %v, want fs.ErrExist", err)
	}
}

func TestTheLockIsMadeWhateverTheUmask(t *testing.T) {
	path := place(t)
	old := syscall.Umask(0o777)
	unlock, err := lockCreators(t.Context(), path)
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if info, err := os.Lstat(creatorsLockPath(path)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v, want mode 0600", info.Mode(), err)
	}
}

// What has the lock's name and is no lock is left alone.
func TestSomethingElseInTheLocksPlace(t *testing.T) {
	for what, create := range map[string]func(path string) error{
		"a directory":     func(path string) error { return os.Mkdir(path, 0o700) },
		"a symbolic link": func(path string) error { return os.Symlink("/nowhere", path) },
		"a FIFO":          func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(what, func(t *testing.T) {
			path := place(t)
			if err := create(creatorsLockPath(path)); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(creatorsLockPath(path))
			if _, err := Listen(path, access.Rule{}); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%v, want fs.ErrExist", err)
			}
			if _, err := os.Lstat(creatorsLockPath(path)); err != nil {
				t.Error(err)
			}
			mustListen(t, path+"2").Close()
		})
	}
}
