package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// queueURL returns the URL of a new queue.
func queueURL(t *testing.T, flags ...string) string {
	t.Helper()
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("message queues are for Linux and Windows")
	}
	url := "mq://" + ipctest.UniqueName()
	succeed(t, "", append([]string{"create", url}, flags...)...)
	t.Cleanup(func() { succeed(t, "", "rm", url) })
	return url
}

// execOf returns --exec of the command that prints its message and exits with a code.
func execOf(t *testing.T, words string) string { return "'" + ipc(t).Path + "' " + words }

func expectMessages(t *testing.T, url, want string, flags ...string) {
	t.Helper()
	if got := succeed(t, "", append([]string{"receive", url, "--timeout", "10s"}, flags...)...); got != want {
		t.Errorf("ipc receive %q printed %q, want %q", flags, got, want)
	}
}

func TestQueueCarriesMessages(t *testing.T) {
	url := queueURL(t)
	succeed(t, "", "send", url, "hello", "there")
	succeed(t, "", "send", url, "--priority", "5", "--id", "a", "urgent")
	succeed(t, "one\ntwo\n", "send", url, "--each")
	succeed(t, "two\nlines", "send", url)
	succeed(t, "", "send", url, "--ttl", "1h", "")
	e := parse(t, succeed(t, "", "receive", url, "--json"))
	if e.Event != "message" || e.URL != url || *e.Text != "urgent" || e.Priority != 5 || e.ID != "a" || e.Deliveries != 1 {
		t.Errorf("%+v", e)
	}
	expectMessages(t, url, "hello there\none\n", "--count", "2")
	expectMessages(t, url, "two\n", "--lease")
	expectMessages(t, url, "two\nlines\x00\x00", "-0", "--count", "2")
	if r := run(t, "", "receive", url, "--timeout", "20ms"); r.code != exitTimeout || !strings.Contains(r.stderr, "no message within 20ms") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

func TestDurableQueueOfTheCommand(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("message queues are for Linux and Windows")
	}
	path := filepath.Join(t.TempDir(), "jobs")
	url := "mq://" + filepath.ToSlash(path)
	succeed(t, "", "create", url, "--sync")
	succeed(t, "", "send", url, "kept")
	expectMessages(t, url, "kept\n")
	succeed(t, "", "rm", url)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestFullQueueOfTheCommand(t *testing.T) {
	url := queueURL(t, "--capacity", "1", "--full", "wait")
	succeed(t, "", "send", url, "one")
	if r := run(t, "", "send", url, "--timeout", "20ms", "two"); r.code != exitTimeout || !strings.Contains(r.stderr, "still full after 20ms") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	failing := queueURL(t, "--capacity", "1", "--full", "fail", "--max-message", "4")
	succeed(t, "", "send", failing, "one")
	if r := run(t, "two\nthree\n", "send", failing, "--each"); r.code != exitError || !strings.Contains(r.stderr, "line 1: ") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	for _, text := range []string{"", "five!"} {
		args := []string{"send", failing}
		if text != "" {
			args = append(args, text)
		}
		if r := run(t, "five!", args...); r.code != exitError || !strings.Contains(r.stderr, "4") || goNames.MatchString(r.stderr) {
			t.Errorf("exit %d: %s", r.code, r.stderr)
		}
	}
}

func TestQueueFlagsThatMeanNothing(t *testing.T) {
	url := queueURL(t)
	for _, args := range []string{
		"send " + url + " a --lines", "send " + url + " a --reply", "send " + url + " --each a", "send " + url + " --each --id x",
		"receive " + url + " --message", "receive " + url + " --follow --count 1", "receive " + url + " -0 --json",
		"receive " + url + " --exec true --json", "receive pipe://a --follow", "receive pipe://a --exec true", "send pipe://a --priority 1 a",
		"receive mq+posix://a --lease", "receive mq+sysv://1 --exec true", "send mq+sysv://1 --priority 1 a", "send mq+posix://a --ttl 1 a",
		"create mq://a --full never", "create mq://a --sync", "create mq://a --capacity 0", "create mq://a --max-message 2G",
		"create mq://a --capacity-bytes 1K --max-message 2K", "create mq://a --dead-letter b",
		"create mq://a --max-deliveries 1 --dead-letter mq+posix://b", "create mq+posix://a --full fail",
	} {
		if r := run(t, "", strings.Fields(args)...); r.code != exitUsage || r.stdout != "" {
			t.Errorf("ipc %s: exit %d: %s%s", args, r.code, r.stdout, r.stderr)
		}
	}
}

func TestStateOfAQueue(t *testing.T) {
	url := queueURL(t, "--capacity", "7")
	succeed(t, "", "send", url, "one")
	for _, args := range [][]string{{"stat", url, "--json"}, {"ls", url, "--json"}} {
		out := succeed(t, "", args...)
		for _, want := range []string{`"state":"1 of 7"`, `"messages":1`, `"sent":1`, `"waiters":0`, `"mode":"0600"`} {
			if !strings.Contains(out, want) && !(runtime.GOOS == "windows" && strings.Contains(want, "mode")) {
				t.Errorf("ipc %q lacks %s: %s", args, want, out)
			}
		}
	}
}

func TestWaitForAQueue(t *testing.T) {
	url := queueURL(t)
	for _, flags := range [][]string{{"--try"}, {"--timeout", "20ms"}} {
		if r := run(t, "", append([]string{"wait", url}, flags...)...); r.code != exitTimeout || !strings.Contains(r.stderr, "empty") {
			t.Errorf("exit %d: %s", r.code, r.stderr)
		}
	}
	p := start(t, "wait", url, "--timeout", "30s")
	succeed(t, "", "send", url, "one")
	expectEnd(t, p, 0)
	succeed(t, "", "wait", url, "--try")
	expectMessages(t, url, "one\n")
}

// What a job fails at comes again, later each time, and is told how often it came.
func TestJobThatFails(t *testing.T) {
	url := queueURL(t)
	succeed(t, "", "send", url, "--id", "j", "build")
	r := run(t, "", "receive", url, "--exec", execOf(t, jobVerb+" 3"))
	if r.code != exitError || r.stdout != "1 j build\n" || !strings.Contains(r.stderr, "exit status 3") || !strings.Contains(r.stderr, "in 1s") {
		t.Errorf("exit %d: %q, %s", r.code, r.stdout, r.stderr)
	}
	began := time.Now()
	expectMessages(t, url, "2 j build\n", "--exec", execOf(t, jobVerb+" 0"))
	if d := time.Since(began); d < 500*time.Millisecond {
		t.Errorf("it came again after %v", d)
	}
	if r := run(t, "", "receive", url, "--timeout", "20ms"); r.code != exitTimeout {
		t.Errorf("what was acknowledged came again: %+v", r)
	}
}

// A dead-letter queue can be named by its URL, and gets a job at its last failure at once.
func TestJobThatFailsForTheLastTime(t *testing.T) {
	dead := queueURL(t)
	url := queueURL(t, "--max-deliveries", "1", "--dead-letter", dead)
	succeed(t, "", "send", url, "--id", "j", "build")
	r := run(t, "", "receive", url, "--exec", execOf(t, jobVerb+" 3"))
	if r.code != exitError || !strings.Contains(r.stderr, "unless that was the last") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	expectMessages(t, dead, "build\n")
}

// The message of a job runner that was killed comes again at once.
func TestKilledJobRunner(t *testing.T) {
	url := queueURL(t)
	succeed(t, "", "send", url, "--id", "j", "build")
	p := start(t, "receive", url, "--exec", execOf(t, hearVerb))
	p.Expect("ready")
	if out := succeed(t, "", "stat", url, "--json"); !strings.Contains(out, `"leased":1`) {
		t.Errorf("%s", out)
	}
	p.Kill()
	expectMessages(t, url, "2 j build\n", "--exec", execOf(t, jobVerb+" 0"))
}

func TestJobThatCantRun(t *testing.T) {
	url := queueURL(t)
	succeed(t, "", "send", url, "build")
	if r := run(t, "", "receive", url, "--exec", "no-such-program-at-all"); r.code != exitError || r.stderr == "" {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	expectMessages(t, url, "build\n")
}

func TestDelayGrows(t *testing.T) {
	for deliveries, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 10: mostDelay, 1 << 30: mostDelay} {
		if got := delayAfter(deliveries); got != want {
			t.Errorf("after %d: %v, want %v", deliveries, got, want)
		}
	}
}

// Durable queues are listed and completed by directory.
func TestDurableQueuesByDirectory(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("message queues are for Linux and Windows")
	}
	dir := filepath.ToSlash(t.TempDir())
	if !strings.HasPrefix(dir, "/") {
		dir = "/" + dir
	}
	if err := os.WriteFile(filepath.Join(strings.TrimPrefix(dir, map[bool]string{true: "/"}[runtime.GOOS == "windows"]), "file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "mq://" + dir + "/jobs"
	succeed(t, "", "create", url, "--capacity", "3")
	succeed(t, "", "send", url, "one")
	for _, under := range []string{"mq://" + dir, "mq://" + dir + "/"} {
		if out := succeed(t, "", "ls", under); !strings.Contains(filepath.ToSlash(out), "jobs ") || !strings.Contains(out, "1 of 3") || strings.Contains(out, "file") {
			t.Errorf("%s", out)
		}
	}
	if out := succeed(t, "", "stat", url, "--json"); !strings.Contains(out, `"messages":1`) {
		t.Errorf("%s", out)
	}
	if runtime.GOOS == "linux" {
		if out := succeed(t, "", "__complete", "stat", url[:len(url)-2]); !strings.Contains("\n"+out, "\n"+url+"\n") {
			t.Errorf("it isn't completed: %s", out)
		}
	}
	if r := run(t, "", "ls", "mq://"+dir+"/absent"); r.code != exitError {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	succeed(t, "", "rm", url)
}

// rm of a durable queue removes no other file.
func TestRemoveOfAnotherFile(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("message queues are for Linux and Windows")
	}
	path := filepath.Join(t.TempDir(), "letter")
	if err := os.WriteFile(path, []byte("Dear Sir"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"rm", "stat", "receive"} {
		if r := run(t, "", verb, "mq://"+filepath.ToSlash(path)); r.code != exitError || strings.Contains(r.stderr, "ipc rm") {
			t.Errorf("%s: exit %d: %s", verb, r.code, r.stderr)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
