package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// When the whole demo is killed its processes remove the segment.
func TestDemoKilledRemovesTheSegment(t *testing.T) {
	t.Setenv(onlyDemoEnv, "holder")
	demo := start(t, "demo", "--json")
	var server int
	for done := false; !done; {
		_, exchanges := demoOutput(t, demo.Hear())
		for _, e := range exchanges["holder"] {
			if e.Process == "server" {
				server = e.PID
			}
			done = e.Text == "opens it"
		}
	}
	fd, err := unix.PidfdOpen(server, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), "ipc-demo-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("%v, %v", dirs, err)
	}
	demo.Kill()
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(ipctest.Patience.Milliseconds())); n != 1 {
		t.Errorf("the server has not ended: %v", err)
	}
	if err := os.Remove(dirs[0]); err != nil { // nobody was left to do it
		t.Error(err)
	}
	expectNoTraces(t)
}
