package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// onLocks runs a test with either kind of lock.
func onLocks(t *testing.T, f func(t *testing.T, url string)) {
	for _, scheme := range []string{"mutex", "rwmutex"} {
		t.Run(scheme, func(t *testing.T) { f(t, syncURL(t, scheme)) })
	}
}

// lingering starts a command under a lock that ends when its input does.
func lingering(t testing.TB, url string, args ...string) *ipctest.Process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, append(append([]string{"lock", url}, args...), "--", exe, lingerVerb, "7")...)
	p.Expect("lingering")
	return p
}

func TestLock(t *testing.T) {
	exe, _ := os.Executable()
	onLocks(t, func(t *testing.T, url string) {
		p := lingering(t, url)
		s := stat(t, url)
		if s.Value != 0 || s.Holders != 1 || !slices.Equal(s.PIDs, []int{p.Process.Pid}) && runtime.GOOS == "linux" {
			t.Errorf("%+v", s)
		}
		expectFailure(t, run(t, "", "lock", url, "--timeout", "30ms", "--", exe, shoutVerb), exitTimedOut, url, "locked after 30ms")
		expectFailure(t, run(t, "", "lock", url, "-n", "--", exe, shoutVerb), exitTimedOut, url+" is locked")
		expectFailure(t, run(t, "", "lock", url, "-t", "0", "--", exe, shoutVerb), exitTimedOut, url+" is locked")
		next := start(t, "lock", url, "--timeout", "60s", "--", exe, recoveredVerb, "0")
		awaitStat(t, url, func(s ipcsync.Stats) bool { return s.Waiters == 1 })
		p.CloseInput()
		expectEnd(t, p, 7)
		next.Expect("0")
		expectEnd(t, next, 0)
		if r := run(t, "through\n", "lock", url, "--try", "--", exe, shoutVerb); r != (result{"THROUGH\n", "", 0}) {
			t.Errorf("%+v", r)
		}
	})
}

func TestLockShared(t *testing.T) {
	exe, _ := os.Executable()
	url := syncURL(t, "rwmutex")
	first, second := lingering(t, url, "--shared"), lingering(t, url, "-s")
	if s := stat(t, url); s.Holders != 2 || len(s.PIDs) != 2 {
		t.Errorf("%+v", s)
	}
	expectFailure(t, run(t, "", "lock", url, "-n", "--", exe, shoutVerb), exitTimedOut, "held by processes")
	first.CloseInput()
	second.CloseInput()
	expectEnd(t, first, 7)
	expectEnd(t, second, 7)
	writer := lingering(t, url)
	expectFailure(t, run(t, "", "lock", url, "-s", "-t", "30ms", "--", exe, shoutVerb), exitTimedOut, "held by process")
	writer.CloseInput()
	expectEnd(t, writer, 7)
}

// Two scripts that count under a lock count right.
func TestLockCounts(t *testing.T) {
	exe, _ := os.Executable()
	onLocks(t, func(t *testing.T, url string) {
		file := filepath.Join(t.TempDir(), "count")
		if err := os.WriteFile(file, []byte("0"), 0o600); err != nil {
			t.Fatal(err)
		}
		rounds := max(ipctest.Count(100), 5)
		var scripts sync.WaitGroup
		for range 2 {
			scripts.Go(func() {
				for range rounds {
					if r := run(t, "", "lock", url, "--timeout", "60s", "--", exe, countVerb, file); r != (result{}) {
						t.Errorf("%+v", r)
					}
				}
			})
		}
		scripts.Wait()
		if text, err := os.ReadFile(file); err != nil || string(text) != strconv.Itoa(2*rounds) {
			t.Errorf("counted %s, want %d; %v", text, 2*rounds, err)
		}
	})
}

// keepOpen keeps a lock from going with its last user on Windows.
func keepOpen(t testing.TB, url string) lock {
	t.Helper()
	parsed, err := parseURL(url, mechanisms)
	if err != nil {
		t.Fatal(err)
	}
	o, err := parsed.lock.open(&locker{target: parsed}, accessRule{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// expectRecovered runs a command that exits with a code under a lock, and expects
// that it is told whether a holder before died.
func expectRecovered(t *testing.T, told bool, code int, url string, args ...string) {
	t.Helper()
	exe, _ := os.Executable()
	r := run(t, "", slices.Concat([]string{"lock", url}, args, []string{"--", exe, recoveredVerb, strconv.Itoa(code)})...)
	want := "0\n"
	if told {
		want = "1\n"
	}
	if r.stdout != want || r.code != code || strings.Contains(r.stderr, "warning: a process that held "+url+" died") != told {
		t.Errorf("ipc lock %s %v told the command %q, exit %d: %s", url, args, r.stdout, r.code, r.stderr)
	}
}

// A killed holder's lock is free, its command has ended, and the next command is told
// until one succeeds.
func TestLockAfterOwnerWasKilled(t *testing.T) {
	onLocks(t, func(t *testing.T, url string) {
		p := lingering(t, url)
		keepOpen(t, url)
		p.Process.Kill()
		if line, ok := p.TryHear(); ok { // its output ends with the command
			t.Errorf("the command goes on: %q", line)
		}
		expectRecovered(t, true, 0, url)
		expectRecovered(t, false, 0, url)
	})
}

func TestLockIsRecoveredUntilACommandSucceeds(t *testing.T) {
	onLocks(t, func(t *testing.T, url string) {
		p := lingering(t, url)
		keepOpen(t, url)
		p.Kill()
		expectRecovered(t, true, 7, url)
		p = lingering(t, url) // and is killed too
		p.Kill()
		expectRecovered(t, true, 1, url)
		expectRecovered(t, true, 0, url)
		expectRecovered(t, false, 0, url)
	})
}

func TestSharedLockAfterOwnerWasKilled(t *testing.T) {
	url := syncURL(t, "rwmutex")
	lingering(t, url).Kill()
	expectRecovered(t, true, 0, url, "--shared")
	lingering(t, url).Kill()
	expectRecovered(t, true, 0, url, "--shared", "--try")
	expectRecovered(t, false, 0, syncURL(t, "rwmutex"), "--shared")

	url = syncURL(t, "rwmutex")
	lingering(t, url, "--shared").Kill() // which changed nothing
	expectRecovered(t, false, 0, url)
}

// A reader repairs nothing, so that all are told until a writer has succeeded.
func TestSharedLockLeavesTheRepairToAWriter(t *testing.T) {
	url := syncURL(t, "rwmutex")
	p := lingering(t, url)
	keepOpen(t, url)
	p.Kill()
	expectRecovered(t, true, 0, url, "--shared")
	expectRecovered(t, true, 0, url, "--shared")
	expectRecovered(t, true, 0, url)
	expectRecovered(t, false, 0, url, "--shared")
}

func TestLockExitCodes(t *testing.T) {
	exe, _ := os.Executable()
	url := syncURL(t, "mutex")
	for want, words := range map[int][]string{
		0:            {exe, lingerVerb, "0"},
		3:            {exe, lingerVerb, "3"},
		124:          {exe, lingerVerb, "124"},
		exitNotFound: {"no-such-program", "x"},
		exitCantRun:  {t.TempDir()},
	} {
		if runtime.GOOS == "windows" && want == exitCantRun {
			want = exitNotFound // what has no extension is no program
		}
		r := run(t, "", append([]string{"lock", url, "--"}, words...)...)
		if r.code != want || (want == exitNotFound || want == exitCantRun) != strings.HasPrefix(r.stderr, "ipc: ") {
			t.Errorf("%v: %+v", words, r)
		}
	}
	for _, bad := range []string{"mutex://-x", "rwmutex://" + strings.Repeat("x", 300)} {
		expectFailure(t, run(t, "", "lock", bad, "--", exe, shoutVerb), exitOurs)
	}
}
