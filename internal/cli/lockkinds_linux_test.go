package cli

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
)

// flockCode returns the exit code of flock(1), which tries to lock a file and run true.
func flockCode(t *testing.T, path string, how ...string) int {
	t.Helper()
	cmd := exec.Command("flock", append(how, "-n", path, "true")...)
	cmd.Run()
	if cmd.ProcessState == nil {
		ipctest.Missing(t, "flock can't be run")
	}
	return cmd.ProcessState.ExitCode()
}

// ipc lock of a file and flock(1) exclude each other; with --fcntl they don't meet.
func TestLockOfAFileMeetsFlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "locked")
	url := "file://" + path
	p := lingering(t, url)
	if flockCode(t, path) == 0 || flockCode(t, path, "-s") == 0 {
		t.Error("flock has what ipc holds")
	}
	expectFailure(t, run(t, "", "lock", url, "-n", "--", "true"), exitTimedOut, url+" is locked")
	p.CloseInput()
	expectEnd(t, p, 7)

	p = lingering(t, url, "--shared")
	if flockCode(t, path) == 0 || flockCode(t, path, "-s") != 0 {
		t.Error("flock doesn't share")
	}
	succeed(t, "", "lock", url, "-n", "--shared", "--", "true")
	p.CloseInput()
	expectEnd(t, p, 7)

	p = lingering(t, url, "--fcntl")
	if flockCode(t, path) != 0 {
		t.Error("flock is kept out by a lock of fcntl")
	}
	expectFailure(t, run(t, "", "lock", url, "-n", "--fcntl", "--", "true"), exitTimedOut, url+" is locked")
	p.Kill()
	succeed(t, "", "lock", url, "--fcntl", "--timeout", "60", "--", "true")
}

// ipc lock of a leadership and ipcsync.Lead exclude each other.
func TestLockOfALeadership(t *testing.T) {
	url := syncURL(t, "lead")
	p := lingering(t, url)
	expectFailure(t, run(t, "", "lock", url, "-n", "--", "true"), exitTimedOut, "held by process")
	p.CloseInput()
	expectEnd(t, p, 7)
	l, err := ipcsync.Lead(t.Context(), url[len("lead://"):], nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.Recovered() {
		t.Error("a leader that resigned counts as dead")
	}
	expectFailure(t, run(t, "", "lock", url, "--timeout", "0.03", "--", "true"), exitTimedOut, "locked after 30ms")
	if err := l.Resign(); err != nil {
		t.Fatal(err)
	}
	succeed(t, "", "lock", url, "-n", "--", "true")
}

// Several permits are taken together or not at all, and given back together.
func TestAcquireSeveral(t *testing.T) {
	url := createSync(t, "sem", "--value", "3")
	succeed(t, "", "acquire", url, "--count", "2")
	for _, command := range [][]string{nil, {"--", "true"}} {
		if r := run(t, "", append([]string{"acquire", url, "-n", "--count", "2"}, command...)...); r.code == 0 {
			t.Errorf("%v: %+v", command, r)
		}
		if s := stat(t, url); s.Value != 1 {
			t.Errorf("%v: %d permits are left, want 1", command, s.Value)
		}
	}
	succeed(t, "", "release", url, "-c", "2")
	succeed(t, "", "acquire", url, "-c", "3", "--", "true")
	if s := stat(t, url); s.Value != 3 {
		t.Errorf("%d permits are left, want 3", s.Value)
	}
}
