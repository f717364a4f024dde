//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// serve, send, receive and call take the options of endpoint's URLs.
func TestURLOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, options := range []string{"?mode=0660&max-conns=5", "?trust=0"} {
		url := "unix://" + path + options
		server := served(t, url, "--count", "1")
		if options != "?trust=0" {
			if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o660 {
				t.Errorf("%s made %v, %v", url, info, err)
			}
		}
		succeed(t, "", "send", url, "hello")
		expectText(t, server, "hello\n")
		server.Wait()
	}
	pipe := uniqueURL() + "?message&max-message=1KiB"
	server := served(t, pipe, "--echo", "--count", "1")
	if got := succeed(t, "", "send", pipe, "--reply", "whole"); got != "whole\n" {
		t.Errorf("the echo is %q", got)
	}
	expectText(t, server, "whole")
	server.Wait()
	memory := "shmnet://" + ipctest.UniqueName() + "?buffer-size=64KiB"
	server = served(t, memory, "--count", "1")
	succeed(t, "", "send", memory, "hello")
	expectText(t, server, "hello\n")
	server.Wait()
	for _, args := range [][]string{
		{"serve", "unix://" + path + "?volume=1"},
		{"serve", "unix://" + path + "?mode=0660", "--mode", "0600"},
		{"serve", "unix://" + path + "?max-conns=many"},
		{"send", "shmnet://x?message", "hello"},
		{"stat", "pipe://x?message"},
		{"call", "pipe://x/Calc?volume=1", "Add"},
	} {
		if r := run(t, "", args...); r.code != exitUsage {
			t.Errorf("%q: exit %d: %s", args, r.code, r.stderr)
		}
	}
}
