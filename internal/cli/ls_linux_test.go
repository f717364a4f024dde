package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
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
		segment: me + " 0600 4.0 KiB ?",
		sem:     me + " 0600 2 of 5 left 0",
		mutex:   me + " 0600 locked 0 cli.test[" + strconv.Itoa(holder.Process.Pid) + "]",
		event:   me + " 0600 not set 0",
		url:     me + " 0600 0 connected 0 cli.test[" + strconv.Itoa(server.Process.Pid) + "]",
	} {
		if got := rowOf(t, out, u); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := rowOf(t, succeed(t, "", "ls", "fifo://"+dir), "fifo://"+fifo); !strings.Contains(got, me+" 0600 FIFO") {
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
