package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// TestStoppedStore stops the process for a while, as a debugger does. What it was asked
// then may be done or not; asked again, it is done once.
func TestStoppedStore(t *testing.T) {
	k := keep(t, newFile(t))
	pid := await(t, k, running).PID
	goOn := ipctest.Stop(t, pid)
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	_, err := k.Put(ctx, lesson(1))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %v", err, context.DeadlineExceeded)
	}
	await(t, k, hanging)
	goOn()
	if got := await(t, k, running).PID; got != pid {
		t.Errorf("process %d serves, and %d goes on", got, pid)
	}
	put(t, k, lesson(1))
	if got := ids(t, k, "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"); !slices.Equal(got, []string{"lesson-1"}) {
		t.Errorf("the store has %v", got)
	}
}

// TestHangingStoreIsReplaced stops the process for good. What was asked meanwhile is done
// by the next one, in time for the page.
func TestHangingStoreIsReplaced(t *testing.T) {
	k := keep(t, newFile(t))
	put(t, k, lesson(1))
	first := await(t, k, running)
	ipctest.Stop(t, first.PID)
	began := time.Now()
	asked := make(chan error, 1)
	go func() {
		_, err := k.Put(background, lesson(2))
		asked <- err
	}()
	await(t, k, hanging)
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	ipctest.WantSince(t, began, mostSilent+2*time.Second)
	if second := await(t, k, running); second.PID == first.PID {
		t.Error("the process that hangs serves on")
	}
	if got := ids(t, k, "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"); !slices.Equal(got, []string{"lesson-1", "lesson-2"}) {
		t.Errorf("the store has %v", got)
	}
}

// TestOrphanThatHangsIsReplaced stops a store, and kills the process that started it: so
// the store doesn't end, and has the name of the pipe.
func TestOrphanThatHangsIsReplaced(t *testing.T) {
	file := newFile(t)
	p := ipctest.Start(t, keeping, file)
	first := p.Hear()
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	ipctest.Stop(t, pid)
	p.Kill()

	k := keep(t, file)
	put(t, k, lesson(1))
	if second := await(t, k, running); fmt.Sprint(second.PID) == first {
		t.Error("the store that stands still serves on")
	}
}

// TestCloseDoesNotWaitForAStoreThatHangs bounds the end of a program.
func TestCloseDoesNotWaitForAStoreThatHangs(t *testing.T) {
	file := newFile(t)
	k := keep(t, file)
	ipctest.Stop(t, await(t, k, running).PID)
	began := time.Now()
	k.Close()
	ipctest.WantSince(t, began, endTime+2*time.Second)
	put(t, keep(t, file), lesson(1))
}

// TestFullDisk lets the store write nothing more, as a full disk does, and then again.
func TestFullDisk(t *testing.T) {
	k := keep(t, newFile(t))
	put(t, k, lesson(1))
	pid := await(t, k, running).PID
	limitFiles(t, pid, 4096)
	if _, err := k.Put(background, lesson(2)); err == nil || !strings.Contains(err.Error(), "file too large") {
		t.Errorf("%v, want a word on the size", err)
	}
	if got := ids(t, k, "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"); !slices.Equal(got, []string{"lesson-1"}) {
		t.Errorf("the store has %v", got)
	}
	limitFiles(t, pid, ^uint64(0))
	put(t, k, lesson(2))
	if state := await(t, k, running); state.PID != pid {
		t.Errorf("process %d serves, and %d can", state.PID, pid)
	}
}

// limitFiles bounds how many bytes the files may have that a process writes.
func limitFiles(t *testing.T, pid int, most uint64) {
	t.Helper()
	const fileSize = 1 // RLIMIT_FSIZE
	limit := syscall.Rlimit{Cur: most, Max: ^uint64(0)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatal(os.NewSyscallError("prlimit64", errno))
	}
}

func hanging(s State) bool { return s.Phase == Hanging }

func send(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
}
