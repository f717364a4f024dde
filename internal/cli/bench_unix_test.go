//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Signals end the run with the code that a shell has for them; nothing is left behind,
// which TestMain looks for too.
func TestBenchEndsWithASignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		p := start(t, "bench", "--only", "mq,fifo", "--time", "1m")
		for end := time.Now().Add(ipctest.Patience); len(benchDirectories()) == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("it doesn't begin")
			}
		}
		p.Process.Signal(sig)
		expectEnd(t, p, exitSignal+int(sig))
		if left := benchDirectories(); len(left) > 0 {
			t.Errorf("after %v: left %q", sig, left)
		}
	}
}

func benchDirectories() []string {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), "ipc-bench-*"))
	return all
}

// A closed pipe to head is no failure that leaves processes.
func TestBenchOutputIsClosed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd := ipc(t, quickly...)
	cmd.Stdout = w
	err = cmd.Run()
	w.Close()
	if err == nil {
		t.Error("it succeeded")
	}
	if left := benchDirectories(); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// There is nothing on standard error where no terminal is.
func TestBenchIsQuietWithoutATerminal(t *testing.T) {
	if r := run(t, "", quickly...); r.stderr != "" || strings.Contains(r.stdout, "\r") {
		t.Errorf("%+v", r)
	}
}
