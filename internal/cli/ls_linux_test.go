package cli

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// rowOf returns the row of ls for a URL.
func rowOf(t *testing.T, out, url string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, url+" ") {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	t.Fatalf("%s is not listed:\n%s", url, out)
	return ""
}

func TestListShowsEveryKind(t *testing.T) {
	segment := create(t, "shm", "4096")
	sem := createSync(t, "sem", "--value", "2", "--max", "5")
	mutex := createSync(t, "mutex")
	event := createSync(t, "event")
	holder := lingering(t, mutex)
	url := uniqueURL()
	server := served(t, url)
	dir := t.TempDir()
	fifo := filepath.Join(dir, "f")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	out := succeed(t, "", "ls")
	me := strconv.Itoa(os.Getuid())
	for u, want := range map[string]string{
		segment: me + " 0600 4.0 KiB",
		sem:     me + " 0600 2 of 5 left ? 0",
		mutex:   me + " 0600 locked 1 0 cli.test[" + strconv.Itoa(holder.Process.Pid) + "]",
		event:   me + " 0600 not set, orphaned 0 0 -",
		url:     me + " 0600 served 0 0 cli.test[" + strconv.Itoa(server.Process.Pid) + "]",
	} {
		if got := rowOf(t, out, u); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := rowOf(t, succeed(t, "", "ls", "fifo://"+dir), "fifo://"+fifo); !strings.Contains(got, me+" 0600 ") {
		t.Errorf("%q", got)
	}
	if r := run(t, "", "ls", "pipe:///tmp/x"); r.code != exitUsage || !strings.Contains(r.stderr, "ipc stat pipe:///tmp/x") {
		t.Errorf("%+v", r)
	}
	if some := succeed(t, "", "ls", segment[:len(segment)-1]); strings.Contains(some, sem) || !strings.Contains(some, segment) {
		t.Error(some)
	}
	for line := range strings.Lines(succeed(t, "", "ls", "--json")) {
		var o struct{ Event, URL string }
		if err := json.Unmarshal([]byte(line), &o); err != nil || o.Event != "object" || !strings.Contains(o.URL, "://") {
			t.Errorf("%s: %v", line, err)
		}
	}
	server.Process.Signal(syscall.SIGTERM)
	expectEnd(t, server, 0)
}

// What is known is the same in ls and stat, of every kind that has names here, and
// connects to nothing: a server sees no client.
func TestListAndStatTellTheSame(t *testing.T) {
	mutex := createSync(t, "mutex")
	holder := lingering(t, mutex)
	segment := create(t, "shm", "4096")
	watcher := watching(t, segment)
	defer watcher.Kill()
	name := ipctest.UniqueName()
	l, err := pipe.Listen(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fifo := "fifo://" + filepath.Join(t.TempDir(), "f")
	succeed(t, "", "create", fifo)
	server := served(t, fifo)
	defer server.Kill()
	for url, pid := range map[string]int{mutex: holder.Process.Pid, segment: 0, "pipe://" + name: os.Getpid(), fifo: server.Process.Pid} {
		start := url
		if start == fifo {
			start = "fifo://" + filepath.Dir(strings.TrimPrefix(fifo, "fifo://"))
		}
		var listed, alone statLine
		for line := range strings.Lines(succeed(t, "", "ls", "--json", start)) {
			if strings.Contains(line, `"`+url+`"`) {
				decode(t, line, &listed)
			}
		}
		decode(t, succeed(t, "", "stat", "--json", url), &alone)
		if !reflect.DeepEqual(listed.state, alone.state) || alone.Owner == "" {
			t.Errorf("%s: ls %+v, stat %+v", url, listed.state, alone.state)
			continue
		}
		if !slices.ContainsFunc(alone.Processes, func(p process) bool { return (p.PID == pid || pid == 0) && p.Command == "cli.test" }) {
			t.Errorf("%s: processes %+v, want %d", url, alone.Processes, pid)
		}
	}
	l.SetDeadline(time.Now())
	if c, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server sees a client: %v, %v", c, err)
	}
	if s := l.Stats(); s.Accepted+s.Refused > 0 {
		t.Errorf("the server saw clients: %+v", s)
	}
}

func decode(t *testing.T, line string, into *statLine) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), into); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
}

// What is not known is ?, never 0.
func TestListMarksWhatItCannotKnow(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	name := ipctest.UniqueName()
	dir, err := os.MkdirTemp("/tmp", "bw") // where the other user gets to
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	path := filepath.Join(dir, "CoreFxPipe_"+name)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	defer os.Remove(path)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	// A user that it refuses can't ask whether a server listens there.
	cmd := ipc(t, "ls", "pipe://"+name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: otherUser, Gid: otherUser}}
	cmd.Path = copyForOthers(t, cmd.Path)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v, %s", err, stderrOf(err))
	}
	if got := rowOf(t, string(out), "pipe://"+name); got != "pipe://"+name+" 0 0600 ? ? ? ?" {
		t.Errorf("%q", got)
	}
	if got := rowOf(t, succeed(t, "", "ls", "pipe://"+name), "pipe://"+name); !strings.HasSuffix(got, " stale 0 0 -") {
		t.Errorf("%q", got)
	}
}

func stderrOf(err error) string {
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return string(e.Stderr)
	}
	return ""
}

// copyForOthers copies a program to where every user may run it.
func copyForOthers(t *testing.T, path string) string {
	t.Helper()
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "bw")
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "ipc")
	t.Cleanup(func() {
		os.Remove(other)
		os.Remove(dir)
	})
	for _, err := range []error{os.Chmod(dir, 0o755), os.WriteFile(other, program, 0o700), os.Chmod(other, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return other
}
