package ipctest

import (
	"testing"

	"golang.org/x/sys/unix"
)

// stopProcess stops the process as SIGSTOP does, and returns when it has stopped.
func stopProcess(t testing.TB, p *Process) {
	t.Helper()
	if err := p.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for {
		// Reports the stop, and leaves it and everything else to be reported.
		err := unix.Waitid(unix.P_PID, p.Process.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		if err == nil {
			return
		}
		if err != unix.EINTR {
			t.Fatal(err)
		}
	}
}

func continueProcess(t testing.TB, p *Process) {
	t.Helper()
	if err := p.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
