//go:build linux || windows

package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// bothNames returns a URL without and, except on Windows, one with a path, and what
// another language calls them.
func bothNames(t *testing.T) map[string]string {
	url := uniqueURL()
	names := map[string]string{url: strings.TrimPrefix(url, "pipe://")}
	if runtime.GOOS != "windows" {
		dir, err := os.MkdirTemp("", "p")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(dir) })
		path := filepath.Join(dir, "sock")
		names["pipe://"+path] = path
	}
	return names
}

func TestServeCSharp(t *testing.T) {
	ipctest.TestCSharp(t, "../../pipe/testdata/client.cs", ipctest.PeerTest{Name: "serve", Run: testServeCSharp})
}

func testServeCSharp(t *testing.T, client ipctest.Program) {
	for url, name := range bothNames(t) {
		server := served(t, url, "--lines", "--echo", "--count", "1")
		p := ipctest.StartCommand(t, client(name))
		e := expectText(t, server, "hello")
		if e.Peer == nil || e.Peer.PID != p.Cmd.Process.Pid && !ipctest.UnderWine() { // Wine doesn't tell
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
	ipctest.TestCSharp(t, "../../pipe/testdata/server.cs", ipctest.PeerTest{Name: "send", Run: testSendCSharp})
}

func testSendCSharp(t *testing.T, server ipctest.Program) {
	for url, name := range bothNames(t) {
		release := ipctest.OwnPipe(t, name, "InOut", false)
		p := ipctest.StartCommand(t, server(name))
		for _, text := range []string{"안녕하세요", "stop"} {
			got := succeed(t, "", "send", url, "--lines", "--reply", "--timeout", "30s", text)
			release()
			if strings.TrimRight(got, "\r\n") != "got "+text {
				t.Errorf("%s: answered %q", url, got)
			}
		}
		if err := p.Wait(); err != nil {
			t.Errorf("%s: %v; stderr: %s", url, err, p.Stderr())
		}
	}
}
