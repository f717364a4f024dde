package ipctest

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// runEnv names the run of a package's tests in the test binary and in every
// process that descends from it, so that the leak check knows them and what they
// made.
const runEnv = "BREEZEWAY_TEST_RUN"

// startRun begins a run of its own. Process ids are reused, so they are not
// enough to tell this run from one that was killed.
func startRun() {
	os.Setenv(runEnv, fmt.Sprintf("bw-%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:6])))
}

// runName returns the name of the run that this process belongs to, which all its
// unique names contain.
func runName() string { return os.Getenv(runEnv) }

// UniqueName returns a name for an object that no other test uses, in this
// process, its helpers, or another run at the same time. The leak check finds the
// object.
func UniqueName() string {
	name := runName()
	if isHelper {
		name += fmt.Sprintf("-p%d", os.Getpid())
	}
	return fmt.Sprintf("%s-%d", name, names.Add(1))
}

var (
	names    atomic.Int64
	isHelper bool // this process is a helper, not the test binary
)
