package ipctest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Stop stops a process as SIGSTOP does, and returns when it has stopped: kill(2) returns
// while its other threads run on, and one that spins answers in that time.
func Stop(t testing.TB, pid int) (goOn func()) {
	t.Helper()
	signal := func(s unix.Signal) {
		t.Helper()
		if err := unix.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
	}
	signal(unix.SIGSTOP)
	for deadline := time.Now().Add(Patience); !stopped(t, pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d goes on after SIGSTOP", pid)
		}
	}
	return func() { t.Helper(); signal(unix.SIGCONT) }
}

// stopped reports whether no thread of the process runs any more.
func stopped(t testing.TB, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	if len(threads) == 0 {
		t.Fatalf("no process %d", pid)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			t.Fatal(err)
		}
		// The state follows the name, which is in parentheses.
		if !bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" T")) {
			return false
		}
	}
	return true
}
