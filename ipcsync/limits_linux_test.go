package ipcsync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/internal/liveness"
	"golang.org/x/sys/unix"
)

// What docs/security.md and the package's caveats say can't be had is shown here.

// forker takes the mutex Args[0], forks without exec, and says which process the child
// is.
var forker = ipctest.Helper("forker", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer m.Close()
	if _, err := m.Lock(context.Background()); err != nil {
		return err
	}
	child, errno := forkAndSleep()
	if errno != 0 {
		return errno
	}
	c.Say("%d", child)
	c.Hear()
	return nil
})

// forkAndSleep returns the child in the parent; the child sleeps until it is killed.
// There is one thread in the child, and no runtime: only system calls may follow.
//
//go:norace
//go:nosplit
func forkAndSleep() (child uintptr, errno syscall.Errno) {
	child, _, errno = syscall.RawSyscall(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
	if child != 0 || errno != 0 {
		return child, errno
	}
	for fd := range uintptr(3) { // whose other ends wait for the helper's end
		syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0)
	}
	for {
		syscall.RawSyscall6(syscall.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
}

func TestForkWithoutExecKeepsALock(t *testing.T) {
	m := newTestMutex(t, nil)
	p := ipctest.Start(t, forker, m.Name())
	child, err := strconv.Atoi(p.Hear())
	if err != nil {
		t.Fatal(err)
	}
	killChild := func() { syscall.Kill(child, syscall.SIGKILL) }
	t.Cleanup(killChild)
	p.Kill()
	ctx, cancel := context.WithTimeout(context.Background(), 700*time.Millisecond)
	defer cancel()
	if _, err := m.Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while the child lives: %v", err)
	}
	killChild()
	h := mustLock(t, m)
	if !h.Recovered() {
		t.Error("the holder was not found dead")
	}
	mustUnlock(t, h)
}

func TestReadPermissionIsThePowerToBlock(t *testing.T) {
	m := newTestMutex(t, &Config{Mode: 0o644})
	reader, err := os.Open("/dev/shm/bw.mutex." + m.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	// It can't lock the slot of m, which is open; but all that others would take.
	lock := unix.Flock_t{Type: unix.F_RDLCK, Start: liveness.FirstByte + 1, Len: 1 << 20}
	if err := unix.FcntlFlock(reader.Fd(), unix.F_OFD_SETLK, &lock); err != nil {
		t.Fatal(err)
	}
	again, err := OpenMutex(m.Name(), nil)
	if err == nil {
		again.Close()
	}
	ipctest.WantError(t, err, breezeway.ErrTooLarge, "504")
	reader.Close()
	if again, err = OpenMutex(m.Name(), nil); err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// cutter makes the mutex Args[0] with the mode Args[1], truncates its file, and says
// what Lock says then.
var cutter = ipctest.Helper("cutter", func(c *ipctest.Control) error {
	mode, err := strconv.ParseUint(c.Args[1], 8, 32)
	if err != nil {
		return err
	}
	m, err := CreateMutex(c.Args[0], &Config{Mode: fs.FileMode(mode)})
	if err != nil {
		return err
	}
	if err := os.Truncate("/dev/shm/bw.mutex."+m.Name(), 0); err != nil {
		return err
	}
	_, err = m.Lock(context.Background())
	c.Say("%v", errors.Is(err, io.ErrUnexpectedEOF))
	return nil
})

// The processes of one user are trusted not to truncate each other's locks.
func TestMutexTruncatedByTheSameUser(t *testing.T) {
	for mode, kills := range map[string]bool{"600": true, "660": false} {
		name := ipctest.UniqueName()
		t.Cleanup(func() { removeIfThere(t, KindMutex, name) })
		p := ipctest.Start(t, cutter, name, mode)
		if !kills {
			p.Expect("true")
		}
		if err := p.Wait(); (err != nil) != kills || kills != strings.Contains(fmt.Sprint(p.Stderr()), "SIGBUS") {
			t.Errorf("mode %s: %v, %s", mode, err, p.Stderr())
		}
	}
}
