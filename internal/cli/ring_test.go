package cli

import (
	"runtime"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ring"
)

// ringURL returns the URL of a new ring.
func ringURL(t *testing.T, flags ...string) string {
	t.Helper()
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("rings are for Linux and Windows")
	}
	url := "ring://" + ipctest.UniqueName()
	succeed(t, "", append([]string{"create", url}, flags...)...)
	t.Cleanup(func() { succeed(t, "", "rm", url) })
	return url
}

func TestRingCarriesMessages(t *testing.T) {
	url := ringURL(t, "--capacity-bytes", "4096")
	succeed(t, "", "send", url, "hello", "there")
	succeed(t, "one\ntwo\n", "send", url, "--each")
	expectMessages(t, url, "hello there\none\ntwo\n", "--count", "3")
	if r := run(t, "", "receive", url, "--timeout", "20ms"); r.code != exitTimeout {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	if r := run(t, strings.Repeat("x", 5000), "send", url); r.code != exitError || !strings.Contains(r.stderr, "2040 bytes") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

func TestWaitForARing(t *testing.T) {
	url := ringURL(t)
	if r := run(t, "", "wait", url, "--try"); r.code != exitTimeout || !strings.Contains(r.stderr, "empty") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
	p := start(t, "wait", url)
	succeed(t, "", "send", url, "hello")
	expectEnd(t, p, 0)
	succeed(t, "", "wait", url, "--try")
	expectMessages(t, url, "hello\n")
}

func TestStatOfARing(t *testing.T) {
	url := ringURL(t, "--shape", "broadcast", "--slow", "skip", "--receivers", "3")
	if got := succeed(t, "", "stat", url); !strings.Contains(got, "broadcast, 0 receivers") {
		t.Errorf("stat printed %q", got)
	}
	if got := succeed(t, "", "ls", "ring://"); !strings.Contains(got, strings.TrimPrefix(url, "ring://")) {
		t.Errorf("ls printed %q", got)
	}
}

func TestRingFlags(t *testing.T) {
	url := "ring://" + ipctest.UniqueName()
	for flags, want := range map[string]string{
		"--shape round":                      "--shape is one-to-one, many-to-one or broadcast",
		"--slow skip":                        "--shape broadcast",
		"--capacity 3":                       "takes no --capacity",
		"--shape broadcast --receivers 5000": "give 1 to 4096",
		"--capacity-bytes 1000P":             "",
	} {
		r := run(t, "", append([]string{"create", url}, strings.Fields(flags)...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: exit %d: %s", flags, r.code, r.stderr)
		}
	}
}

func TestRingOfValuesIsNotForTheCommand(t *testing.T) {
	name := ipctest.UniqueName()
	r, err := ring.Create[uint64](name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Remove(name, nil)
	defer r.Close()
	if got := run(t, "", "send", "ring://"+name, "x"); got.code != exitError || !strings.Contains(got.stderr, "values of one type") {
		t.Errorf("%+v", got)
	}
}
