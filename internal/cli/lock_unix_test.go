//go:build unix

package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeway-ipc/breezeway/ipcsync"
)

func TestLockEndsBySignal(t *testing.T) {
	url := syncURL(t, "mutex")
	if r := run(t, "", "lock", url, "--", "sh", "-c", "kill -KILL $$"); r != (result{code: 128 + 9}) {
		t.Errorf("%+v", r)
	}
	if r := run(t, "", "lock", url, "-n", "--", "sh", "-c", "exit 5"); r != (result{code: 5}) {
		t.Errorf("%+v", r)
	}
}

// SIGTERM is the command's to handle, and so is SIGHUP.
func TestLockPassesSignalsOn(t *testing.T) {
	exe, _ := os.Executable()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		url := syncURL(t, "mutex")
		p := start(t, "lock", url, "--", exe, hearVerb)
		p.Expect("ready")
		p.Process.Signal(sig)
		p.Expect("heard " + sig.String())
		expectEnd(t, p, 9)
		p = lingering(t, url)
		p.Process.Signal(sig)
		expectEnd(t, p, exitSignal+int(sig))
		succeed(t, "", "lock", url, "-n", "--", "true")
	}
}

// An interrupt for ipc alone is the command's too.
func TestLockPassesInterruptsOn(t *testing.T) {
	exe, _ := os.Executable()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		p := start(t, "lock", syncURL(t, "mutex"), "--", exe, hearVerb)
		p.Expect("ready")
		p.Process.Signal(sig)
		p.Expect("heard " + sig.String())
		expectEnd(t, p, 9)
	}
}

// A waiter that is interrupted has taken nothing.
func TestWaitersAreInterrupted(t *testing.T) {
	mutex := syncURL(t, "mutex")
	holder := lingering(t, mutex)
	sem := createSync(t, "sem", "--value", "0")
	event := createSync(t, "event")
	for _, args := range [][]string{
		{"lock", mutex, "--", "true"}, {"acquire", sem}, {"acquire", sem, "--", "true"}, {"wait", event},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			p := start(t, args...)
			awaitStat(t, args[1], func(s ipcsync.Stats) bool { return s.Waiters == 1 })
			p.Process.Signal(sig)
			expectEnd(t, p, exitSignal+int(sig))
			if s := stat(t, args[1]); s.Waiters != 0 {
				t.Errorf("%q: %+v", args, s)
			}
			if p.Stderr() != "" {
				t.Errorf("%q: %s", args, p.Stderr())
			}
		}
	}
	holder.CloseInput()
	expectEnd(t, holder, 7)
}

// What the caller ignores, as nohup does, the command ignores.
func TestLockLeavesIgnoredSignals(t *testing.T) {
	url := syncURL(t, "mutex")
	cmd := ipc(t, "lock", url, "--", "sh", "-c", "kill -INT $$; kill -HUP $$; echo alive")
	sh := []string{"sh", "-c", `trap '' INT HUP; exec "$0" "$@"`}
	cmd.Args = append(sh, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	cmd.Path = "/bin/sh"
	if out, err := cmd.CombinedOutput(); string(out) != "alive\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// Nothing that the lock needs is open in the command.
func TestLockIsNotInherited(t *testing.T) {
	for _, args := range [][]string{
		{"lock", syncURL(t, "mutex")}, {"lock", syncURL(t, "rwmutex"), "-s"}, {"acquire", createSync(t, "sem", "--value", "1")},
	} {
		out := succeed(t, "", append(args, "--", "sh", "-c", "ls -l /dev/fd/")...)
		if strings.Contains(out, "/shm/") || !strings.Contains(out, " 0 -> ") {
			t.Errorf("%s", out)
		}
	}
}
