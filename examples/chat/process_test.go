package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// program returns the command that runs this program.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), programEnv+"=1", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.SysProcAttr = interruptible()
	return cmd
}

// serving starts a server and returns when it serves.
func serving(t *testing.T, room string, flags ...string) *ipctest.Process {
	t.Helper()
	s := ipctest.StartCommand(t, program(t, append(append([]string{"serve"}, flags...), room)...))
	hearPrefix(t, s, "serving "+room+" at ")
	t.Cleanup(func() { // the end of its input does not end it
		select {
		case <-s.Done():
		default:
			interrupt(t, s)
			s.Wait()
		}
	})
	return s
}

// joining starts a member and returns when it is in the room.
func joining(t *testing.T, s *ipctest.Process, room, name string) *ipctest.Process {
	t.Helper()
	m := ipctest.StartCommand(t, program(t, "join", room, name))
	hearPrefix(t, m, "* you are "+name+"; ")
	hearPrefix(t, s, name+" joined (pid ")
	return m
}

func hearPrefix(t *testing.T, p *ipctest.Process, want string) {
	t.Helper()
	if line := p.Hear(); !strings.HasPrefix(line, want) {
		t.Fatalf("heard %q, want %q…; stderr: %s", line, want, p.Stderr())
	}
}

// allHear fails the test unless the next line of all is want.
func allHear(t *testing.T, want string, all ...*ipctest.Process) {
	t.Helper()
	for _, p := range all {
		p.Expect(want)
	}
}

// wantExit waits for the end of a process, with a code and what it has on stderr.
func wantExit(t *testing.T, p *ipctest.Process, code int, texts ...string) {
	t.Helper()
	p.Wait()
	if got := p.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d; stderr: %s", got, code, p.Stderr())
	}
	for _, text := range texts {
		if !strings.Contains(p.Stderr(), text) {
			t.Errorf("stderr %q does not say %q", p.Stderr(), text)
		}
	}
}
