package demo

import (
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// When Run's process is killed, those that it started remove what they made.
func TestNothingStaysOfAKilledRun(t *testing.T) {
	for name, last := range map[string]string{"holder": "opens it", "sleeper": ""} {
		t.Run(name, func(t *testing.T) {
			var fds []unix.PollFd
			p := runUntil(t, name, func(e Event) bool {
				fd, err := unix.PidfdOpen(e.PID, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { unix.Close(fd) })
				fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
				return e.Process == "client" && (last == "" || e.Text == last)
			})
			if len(traces(t, p.Process.Pid)) == 0 {
				t.Error("there is nothing to remove")
			}
			p.Kill()
			for i := range fds {
				if n, err := unix.Poll(fds[i:i+1], int(ipctest.Patience.Milliseconds())); n != 1 {
					t.Errorf("a process has not ended: %v", err)
				}
			}
			expectNoTraces(t, p.Process.Pid)
		})
	}
}
