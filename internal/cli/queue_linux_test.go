package cli

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// A signal ends receive --follow in good order.
func TestSignalEndsReceiveOfAQueue(t *testing.T) {
	url := queueURL(t)
	p := start(t, "receive", url, "--follow")
	succeed(t, "one\ntwo\n", "send", url, "--each")
	p.Expect("one")
	p.Expect("two")
	p.Process.Signal(syscall.SIGTERM)
	expectEnd(t, p, 0)
}

// A signal reaches the job that runs, and then ends the runner; the message comes again.
func TestSignalReachesTheJob(t *testing.T) {
	url := queueURL(t)
	succeed(t, "one\ntwo\n", "send", url, "--each")
	p := start(t, "receive", url, "--follow", "--exec", execOf(t, hearVerb))
	p.Expect("ready")
	p.Process.Signal(syscall.SIGTERM)
	p.Expect("heard terminated")
	expectEnd(t, p, exitError)
	expectMessages(t, url, "two\none\n", "--count", "2")
}

// A job that takes longer than its lease has failed, and the runner goes on.
func TestJobThatOutlivesItsLease(t *testing.T) {
	url := queueURL(t, "--lease-timeout", "50ms", "--max-deliveries", "2")
	succeed(t, "", "send", url, "build")
	r := run(t, "", "receive", url, "--count", "2", "--exec", "sh -c 'cat; sleep 0.2'")
	if r.code != exitError || r.stdout != "buildbuild" || strings.Count(r.stderr, "--lease-timeout") != 2 {
		t.Errorf("exit %d: %q, %s", r.code, r.stdout, r.stderr)
	}
}

// A job that Ctrl-C has ended ends the runner.
func TestInterruptedJobEndsTheRunner(t *testing.T) {
	url := queueURL(t)
	succeed(t, "one\ntwo\n", "send", url, "--each")
	if r := run(t, "", "receive", url, "--follow", "--exec", "sh -c 'cat; kill -INT $$'"); r.code != interrupted || r.stdout != "one" {
		t.Errorf("exit %d: %s", r.code, r.stdout)
	}
	expectMessages(t, url, "two\none\n", "--count", "2")
}

// The job of a runner that was killed dies, too.
func TestKilledRunnerTakesTheJobAlong(t *testing.T) {
	url := queueURL(t)
	succeed(t, "", "send", url, "build")
	p := start(t, "receive", url, "--exec", `sh -c 'echo $$; exec sleep 1000'`)
	pid, err := strconv.Atoi(p.Hear())
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	expectDead(t, pid)
}

// The kernel's queues carry messages as ours do.
func TestKernelQueuesOfTheCommand(t *testing.T) {
	for _, url := range []string{"mq+posix://" + ipctest.UniqueName(), "mq+sysv://" + fmt.Sprintf("%#x", crc32.ChecksumIEEE([]byte(ipctest.UniqueName()))|1)} {
		if r := run(t, "", "create", url); r.code != 0 {
			t.Fatalf("%s", r.stderr)
		}
		t.Cleanup(func() { run(t, "", "rm", url) })
		succeed(t, "one\ntwo\n", "send", url, "--each")
		if out := succeed(t, "", "stat", url); !strings.Contains(out, "2") || !strings.Contains(out, "0600") {
			t.Errorf("%s", out)
		}
		expectMessages(t, url, "one\ntwo\n", "--count", "2")
		succeed(t, "", "rm", url)
		if r := run(t, "", "stat", url); r.code != exitError || !strings.Contains(r.stderr, "ipc create "+url) {
			t.Errorf("exit %d: %s", r.code, r.stderr)
		}
	}
}

// Messages of System V queues have types; a queue at a path is found by its project too.
func TestTypesAndProjectsOfTheCommand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	url := "mq+sysv://" + path
	for _, project := range []string{"A", "65"} { // the same one
		succeed(t, "", "create", url, "--project", project)
		if r := run(t, "", "stat", url); r.code != exitError {
			t.Errorf("another project's queue is there: %s", r.stdout)
		}
		succeed(t, "", "send", url, "--project", "A", "--type", "3", "three")
		succeed(t, "", "send", url, "--project", "65", "one")
		succeed(t, "", "send", url, "--project", "A", "--type", "2", "two")
		if out := succeed(t, "", "stat", url, "--project", "A"); !strings.Contains(out, "3 messages") || !strings.Contains(out, "0600") {
			t.Errorf("%s", out)
		}
		expectMessages(t, url, "two\n", "--project", "A", "--type", "2")
		e := parse(t, succeed(t, "", "receive", url, "--project", "A", "--type", "-2", "--json"))
		if *e.Text != "one" || e.Type != 1 {
			t.Errorf("%+v", e)
		}
		if r := run(t, "", "receive", url, "--project", "A", "--type", "7", "--timeout", "20ms"); r.code != exitTimeout {
			t.Errorf("exit %d: %s", r.code, r.stderr)
		}
		expectMessages(t, url, "three\n", "--project", "A")
		succeed(t, "", "rm", url, "--project", "A")
	}
	for _, args := range []string{
		"send " + url + " --type 0 a", "send mq://a --type 1 a", "receive mq+posix://a --type 1", "receive pipe://a --type 1",
		"stat " + url + " --project 256", "stat " + url + " --project AB", "rm mq+sysv://0x7001 --project 1", "create mq://a --project 1",
		"send mq:///tmp/a --project A a",
	} {
		if r := run(t, "", strings.Fields(args)...); r.code != exitUsage || r.stdout != "" {
			t.Errorf("ipc %s: exit %d: %s%s", args, r.code, r.stdout, r.stderr)
		}
	}
}
