package cli

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// bothNames returns a URL without and one with a path, and what another language
// calls them.
func bothNames(t *testing.T) map[string]string {
	dir, err := os.MkdirTemp("", "p")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	url := uniqueURL()
	path := filepath.Join(dir, "sock")
	return map[string]string{
		url:              strings.TrimPrefix(url, "pipe://"),
		"pipe://" + path: path,
	}
}

func TestServeCSharp(t *testing.T) {
	client := ipctest.CSharp(t, "../../pipe/testdata/client.cs")
	for url, name := range bothNames(t) {
		server := served(t, url, "--lines", "--echo", "--count", "1")
		p := ipctest.StartCommand(t, client(name))
		e := expectText(t, server, "hello")
		if e.Peer == nil || e.Peer.PID != p.Cmd.Process.Pid {
			t.Errorf("%s: came from %+v, not from pid %d", url, e.Peer, p.Cmd.Process.Pid)
		}
		p.Expect("hello")
		if err := p.Wait(); err != nil {
			t.Errorf("%s: %v; stderr: %s", url, err, p.Stderr())
		}
		expectEnd(t, server, 0)
	}
}

func TestSendCSharp(t *testing.T) {
	server := ipctest.CSharp(t, "../../pipe/testdata/server.cs")
	for url, name := range bothNames(t) {
		p := ipctest.StartCommand(t, server(name))
		for _, text := range []string{"hello there", "stop"} {
			if got := succeed(t, "", "send", url, "--lines", "--reply", "--timeout", "30s", text); got != "got "+text+"\n" {
				t.Errorf("%s: answered %q", url, got)
			}
		}
		if err := p.Wait(); err != nil {
			t.Errorf("%s: %v; stderr: %s", url, err, p.Stderr())
		}
	}
}

func TestServePython(t *testing.T) {
	client := ipctest.Python(t, "../../pipe/testdata/client.py")
	url := uniqueURL()
	server := served(t, url, "--lines", "--echo", "--count", "1")
	p := ipctest.StartCommand(t, client(strings.TrimPrefix(url, "pipe://")))
	expectText(t, server, "hello")
	p.Expect("hello")
	expectEnd(t, server, 0)
}

// TestPythonSegment reads and writes a segment that Python made.
func TestPythonSegment(t *testing.T) {
	python := ipctest.Python(t, "testdata/segment.py")
	name := fmt.Sprintf("psm_cli-%d", os.Getpid())
	url := "shm://" + name
	p := ipctest.StartCommand(t, python(name))
	p.Expect("ready")
	if got := succeed(t, "", "read", url, "--length", "5"); got != "hello" {
		t.Errorf("read %q", got)
	}
	if e := parse(t, succeed(t, "", "read", url, "--json")); e.Size != 64 {
		t.Errorf("%+v", e)
	}
	succeed(t, "", "write", url, "--offset", "5", " there")
	p.Say("")
	p.Expect(hex.EncodeToString([]byte("hello there\x00\x00\x00\x00\x00")))
	p.CloseInput()
	if err := p.Wait(); err != nil {
		t.Errorf("%v; stderr: %s", err, p.Stderr())
	}
}
