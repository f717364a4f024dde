package ipctest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/goleak"
)

// leaks finds what the tests of a package, and every process that they started,
// left behind.
type leaks struct {
	tmp     string // the run's own TMPDIR: whatever stays in it was left behind
	handles int    // how many descriptors were open before the tests
}

// leakPatience is how long what is left may take to go away by itself.
var leakPatience = 2 * time.Second

func watchLeaks() *leaks {
	l := new(leaks)
	startRun()
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
		goleak.IgnoreAnyFunction("github.com/breezeway-ipc/breezeway/internal/overlapped.completions"),
		goleak.IgnoreAnyFunction("github.com/breezeway-ipc/breezeway/pipe.spawner"),
	); err != nil {
		complaints = append(complaints, err.Error())
	}
	// Clean-ups of the collector and goroutines that are ending may still close
	// descriptors, and killed processes may still be ending: only what stays is
	// a leak.
	deadline := time.Now().Add(leakPatience)
	open := staying(deadline, func() []string {
		if open := openHandles(); len(open) > l.handles {
			return open
		}
		return nil
	})
	if len(open) > 0 {
		complaints = append(complaints, fmt.Sprintf("%d descriptors open, %d before the tests: %q", len(open), l.handles, open))
	}
	for _, p := range staying(deadline, leftProcesses) {
		complaints = append(complaints, "still running: "+p)
	}
	if entries, err := os.ReadDir(l.tmp); err == nil {
		for _, e := range entries {
			complaints = append(complaints, "left in "+tmpVariable+": "+filepath.Join(l.tmp, e.Name()))
		}
	}
	return append(complaints, leftObjects()...)
}

// staying returns what list still returns at the deadline, or nil once it returns
// nothing.
func staying(deadline time.Time, list func() []string) []string {
	for {
		got := list()
		if len(got) == 0 || time.Now().After(deadline) {
			return got
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (l *leaks) close() { os.Remove(l.tmp) }

// leftObjects lists the shared memory objects with names of this run. Those of
// packages that are tested at the same time come and go meanwhile.
func leftObjects() (complaints []string) {
	files, _ := filepath.Glob(filepath.Join(objectDirectory(), "*"+runName()+"*"))
	files = slices.DeleteFunc(files, staysByDesign)
	for _, f := range files[:min(len(files), 10)] {
		complaints = append(complaints, "left behind: "+f)
	}
	if more := len(files) - len(complaints); more > 0 {
		complaints = append(complaints, fmt.Sprintf("left behind: %d more objects", more))
	}
	return complaints
}
