package ipctest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/goleak"
)

// leaks compares what exists after the tests with what existed before.
type leaks struct {
	tmp     string // the run's own TMPDIR: whatever stays in it was left behind
	handles int
}

func watchLeaks() *leaks {
	l := new(leaks)
	tmp, err := os.MkdirTemp("", "bw")
	if err == nil {
		// Names of sockets derive from it, so it is short and others may pass.
		os.Chmod(tmp, 0o711)
		l.tmp = tmp
		os.Setenv(tmpVariable, tmp)
	}
	warmUp()
	l.handles = len(openHandles())
	return l
}

// warmUp makes the descriptors that the runtime keeps for ever.
func warmUp() {
	r, w, err := os.Pipe()
	if err != nil {
		return
	}
	r.SetDeadline(time.Time{})
	r.Close()
	w.Close()
}

func (l *leaks) find() (complaints []string) {
	if err := goleak.Find(
		// One goroutine for the life of the process, by design.
		goleak.IgnoreAnyFunction("github.com/breezeway-ipc/breezeway/internal/sys.completions"),
		goleak.IgnoreAnyFunction("github.com/breezeway-ipc/breezeway/pipe.spawner"),
	); err != nil {
		complaints = append(complaints, err.Error())
	}
	// Descriptors may be closed by clean-ups of the collector or by goroutines
	// that are ending: only what stays is a leak.
	var open []string
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if open = openHandles(); len(open) <= l.handles || time.Now().After(deadline) {
			break
		}
	}
	if len(open) > l.handles {
		complaints = append(complaints, fmt.Sprintf("%d descriptors open, %d before the tests: %q", len(open), l.handles, open))
	}
	if entries, err := os.ReadDir(l.tmp); err == nil {
		for _, e := range entries {
			complaints = append(complaints, "left in "+tmpVariable+": "+filepath.Join(l.tmp, e.Name()))
		}
	}
	for _, f := range sharedFiles() {
		complaints = append(complaints, "left behind: "+f)
	}
	return complaints
}

func (l *leaks) close() { os.Remove(l.tmp) }

// UniqueName returns a name for an object that no other test uses, in this
// process or another one that runs at the same time. The leak check finds it.
func UniqueName() string {
	return fmt.Sprintf("%s%d", namePrefix(), names.Add(1))
}

var names atomic.Int64

func namePrefix() string { return fmt.Sprintf("bw-%d-", os.Getpid()) }

// sharedFiles lists the shared memory objects of this process's tests that the
// system shows as files. Those of other processes come and go meanwhile.
func sharedFiles() []string {
	files, _ := filepath.Glob("/dev/shm/*" + namePrefix() + "*")
	return files
}
