package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestServeShmnetAtAPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	url := "shmnet://" + path
	p := served(t, url, "--lines", "--until", "stop", "--mode", "0660")
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("%v, %v", info, err)
	}
	succeed(t, "", "send", url, "stop")
	expectText(t, p, "stop")
	expectEnd(t, p, 0)
}

// A server's name is listed as long as it is served, and looked at without connecting;
// what a killed one left is stale, and the next one replaces it.
func TestShmnetIsListed(t *testing.T) {
	url := "shmnet://" + ipctest.UniqueName()
	if r := run(t, "", "stat", url); r.code != exitError {
		t.Errorf("without a server: %+v", r)
	}
	p := served(t, url, "--lines")
	for _, args := range [][]string{{"ls"}, {"ls", "shmnet://"}, {"ls", url}} {
		if row := rowOf(t, succeed(t, "", args...), url); !strings.Contains(row, " served 0 0 ") {
			t.Errorf("%s: %s", args, row)
		}
	}
	if out := succeed(t, "", "stat", url, "--json"); !strings.Contains(out, `"state":"served"`) || !strings.Contains(out, `"connections":0`) {
		t.Error(out)
	}
	p.Kill()
	if row := rowOf(t, succeed(t, "", "ls", url), url); !strings.Contains(row, " stale ") {
		t.Error(row)
	}
	p = served(t, url, "--count", "1")
	succeed(t, "", "send", url, "hello")
	expectText(t, p, "hello\n")
	expectEnd(t, p, 0)
}

// The end of a client that was killed is not taken for the end of what it sent.
func TestServeTellsThatAShmnetClientDied(t *testing.T) {
	url := "shmnet://" + ipctest.UniqueName()
	p := served(t, url, "--lines", "--echo", "--count", "2")
	client := start(t, "send", url, "--reply", "--lines")
	client.Say("hello")
	expectText(t, p, "hello")
	client.Kill()
	if e := parse(t, p.Hear()); e.Event != "error" || !strings.Contains(e.Error, "died") {
		t.Errorf("%+v", e)
	}
	succeed(t, "", "send", url, "again")
	expectText(t, p, "again")
	expectEnd(t, p, 0)
}
