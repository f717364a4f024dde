package ipcsync

import (
	"context"
	"io"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/shm"
)

func TestMutexAllocatesNothing(t *testing.T) {
	m := newTestMutex(t, nil)
	if n := testing.AllocsPerRun(100, func() {
		h, err := m.Lock(t.Context())
		if err == nil {
			err = h.Unlock()
		}
		if err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Bytes that another process takes away are an error, and no crash.
func TestMutexTruncated(t *testing.T) {
	m := newTestMutex(t, &Config{Mode: 0o666})
	h := mustLock(t, m)
	done := make(chan error)
	go func() {
		_, err := m.Lock(t.Context())
		done <- err
	}()
	awaitWaiters(t, m, 1)
	if err := m.mutex.(sharedMutex).File().Truncate(0); err != nil {
		t.Fatal(err)
	}
	ipctest.WantError(t, <-done, io.ErrUnexpectedEOF)
	ipctest.WantError(t, h.Unlock(), io.ErrUnexpectedEOF)
}

// parent takes the mutex Args[0] and starts a child that lives on, with all the
// descriptors that it can inherit.
var parent = ipctest.Helper("parent", func(c *ipctest.Control) error {
	m, err := OpenMutex(c.Args[0], nil)
	if err != nil {
		return err
	}
	if _, err := m.Lock(context.Background()); err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	child, err := os.StartProcess("/bin/cat", []string{"cat"}, &os.ProcAttr{Files: []*os.File{r, w, w, m.mutex.(sharedMutex).File()}})
	if err != nil {
		return err
	}
	c.Say("%d", child.Pid)
	c.Hear()
	return nil
})

// A child that lives on doesn't keep what its dead parent held.
func TestMutexOfAParent(t *testing.T) {
	m := newTestMutex(t, nil)
	p := ipctest.Start(t, parent, m.Name())
	child, err := strconv.Atoi(p.Hear())
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(child, syscall.SIGKILL)
	p.Kill()
	h := mustLock(t, m)
	if !h.Recovered() {
		t.Error("not told that the holder died")
	}
	if syscall.Kill(child, 0) != nil {
		t.Error("the child has not lived on")
	}
	mustUnlock(t, h)
}

// Signals that interrupt system calls end no wait.
func TestMutexInterrupted(t *testing.T) {
	m := newTestMutex(t, nil)
	h := mustLock(t, m)
	p := ipctest.Start(t, lockHolder, m.Name())
	awaitWaiters(t, m, 1)
	for range ipctest.Count(2000) {
		p.Process.Signal(syscall.SIGURG) // which the Go runtime handles
	}
	mustUnlock(t, h)
	p.Expect("locked false")
	p.Say("unlock")
	p.Expect("done")
	p.Say("end")
	p.Wait()
}

// inherited3 locks the mutex in the sealed segment that it has inherited as
// descriptor 3.
var inherited3 = ipctest.Helper("inherited segment", func(c *ipctest.Control) error {
	f := os.NewFile(3, "segment")
	defer f.Close()
	seg, err := shm.OpenFile(f, 0, nil)
	if err != nil {
		return err
	}
	m, err := OpenMutex("", &Config{At: Place{seg.File(), 0}})
	if err != nil {
		return err
	}
	h, err := m.Lock(context.Background())
	c.Say("locked %v", h.Recovered())
	c.Hear()
	return err
})

// A segment that has no name may have a lock, which knows which processes live
// though all have the same descriptor.
func TestMutexInUnnamedSegment(t *testing.T) {
	seg, err := shm.CreateUnnamed(Size, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer seg.Close()
	m, err := CreateMutex("", &Config{At: Place{seg.File(), 0}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	cmd := ipctest.HelperCommand(t, inherited3)
	cmd.ExtraFiles = []*os.File{seg.File()}
	p := ipctest.StartCommand(t, cmd)
	p.Expect("locked false")
	wantBusy(t, m)
	time.Sleep(150 * time.Millisecond) // more than one look
	wantBusy(t, m)
	p.Kill()
	h := mustLock(t, m)
	if !h.Recovered() {
		t.Error("not told that the holder died")
	}
	mustUnlock(t, h)
}
