package ipctest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// againEnv is set in a process that runs a test again.
const againEnv = "BREEZEWAY_TEST_AGAIN"

// attempts is how often a test that was late is run again before it has failed.
const attempts = 3

// Late fails a test because something took longer than it should. Any machine stalls at
// times, so this is not believed at once: when all tests are over, [Main] runs those that
// were late again, in a process of their own and one at a time, and only those that are
// late each time have failed.
func Late(t testing.TB, format string, args ...any) {
	t.Helper()
	if !strings.HasPrefix(t.Name(), "Test") || !mainRuns || isFuzzWorker() || os.Getenv(againEnv) != "" {
		t.Errorf(format, args...)
		return
	}
	t.Logf("late: "+format, args...)
	lateTests.add(t.Name())
}

// WantSince says that the test is [Late] if more time than bound has passed since start.
// Where everything is [Slow] that is generous: it finds what hangs, and how fast things
// are is for other runs to find.
func WantSince(t testing.TB, start time.Time, bound time.Duration) {
	t.Helper()
	WantWithin(t, time.Since(start), bound)
}

// WantMedian is [WantSince] for the median of what each of several rounds took.
func WantMedian(t testing.TB, took []time.Duration, bound time.Duration) {
	t.Helper()
	took = slices.Sorted(slices.Values(took))
	t.Logf("took %v, at most %v", took[len(took)/2], took[len(took)-1])
	WantWithin(t, took[len(took)/2], bound)
}

// WantWithin is [WantSince] for what took so long.
func WantWithin(t testing.TB, took, bound time.Duration) {
	t.Helper()
	if Slow() {
		bound = 5*bound + 5*time.Second
	}
	if took > bound {
		Late(t, "it took %v, more than %v", took, bound)
	}
}

// mainRuns says that [Main] will ask for what was late: some packages don't use it.
var mainRuns bool

var lateTests testNames

// testNames are names of tests, each once.
type testNames struct {
	mu   sync.Mutex
	list []string
}

func (n *testNames) add(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(n.list, name) {
		n.list = append(n.list, name)
	}
}

// runLateAgain runs the tests that were late again, and says which of them have failed.
func runLateAgain() (complaints []string) {
	for _, name := range lateTests.list {
		var said []byte
		err := error(nil)
		for range attempts {
			if said, err = runAgain(name); err == nil {
				break
			}
		}
		if err != nil {
			complaints = append(complaints, fmt.Sprintf("%s was late, and %d times more when it was run again: %v\n%s", name, attempts, err, said))
		}
	}
	return complaints
}

func runAgain(test string) ([]byte, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	again := exec.Command(exe, "-test.run="+only(test), "-test.v")
	for _, kept := range []string{"test.timeout", "test.short"} {
		if f := flag.Lookup(kept); f != nil {
			again.Args = append(again.Args, "-"+kept+"="+f.Value.String())
		}
	}
	again.Env = append(os.Environ(), againEnv+"=1")
	said, err := again.CombinedOutput()
	if err == nil && !bytes.Contains(said, []byte("--- PASS: "+test+" (")) {
		err = errNotRun
	}
	return said, err
}

var errNotRun = errors.New("there was no such test then")

// only returns the pattern by which go test runs one test, or one that is part of others.
func only(test string) string {
	parts := strings.Split(test, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}
