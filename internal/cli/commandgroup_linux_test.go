package cli

import (
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// expectDead waits until a process that is not our child has ended.
func expectDead(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(ipctest.Patience); syscall.Kill(pid, 0) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}

// What a command has started dies with ipc, also where a shell stands between.
func TestKilledTakesTheCommandsGroupAlong(t *testing.T) {
	const both = `sleep 1000 & echo $!; echo $$; wait`
	for _, args := range [][]string{
		{"lock", syncURL(t, "mutex"), "--", "sh", "-c", both},
		{"pipeline", "sh -c '" + both + "' | cat"},
	} {
		p := start(t, args...)
		var pids []int
		for range 2 {
			pid, err := strconv.Atoi(p.Hear())
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
		p.Kill()
		for _, pid := range pids {
			expectDead(t, pid)
		}
	}
}

// What a command leaves running when it has ended runs on.
func TestEndedCommandLeavesItsChildren(t *testing.T) {
	p := start(t, "lock", syncURL(t, "mutex"), "--", "sh", "-c", "sleep 1000 >&- 2>&- <&- & echo $!")
	pid, err := strconv.Atoi(p.Hear())
	if err != nil {
		t.Fatal(err)
	}
	expectEnd(t, p, 0)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error("the command's child has ended:", err)
	}
}

// SIGTERM ends a pipeline with all that its stages have started.
func TestTerminatedPipelineTakesTheGroupAlong(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		p := start(t, "pipeline", `sh -c 'trap "" TERM HUP; sleep 1000 & echo $!; wait' | cat`)
		pid, err := strconv.Atoi(p.Hear())
		if err != nil {
			t.Fatal(err)
		}
		p.Process.Signal(sig)
		expectEnd(t, p, exitSignal+int(sig))
		expectDead(t, pid)
	}
}

// shellOnTerminal runs bash on a terminal, with the command as $IPC and a mutex as $URL.
func shellOnTerminal(t *testing.T) *terminal {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		ipctest.Missing(t, "there is no bash:", err.Error())
	}
	cmd := exec.Command("bash", "--norc", "-i")
	cmd.Env = append(ipc(t).Env, "PS1=$ ", "IPC="+ipc(t).Path, "URL="+syncURL(t, "mutex"))
	tt := onTerminal(t, cmd)
	tt.expect("$ ")
	return tt
}

// On a terminal the shell's job control works as without ipc.
func TestStoppedCommandGoesOn(t *testing.T) {
	tt := shellOnTerminal(t)
	tt.typeIn("$IPC lock $URL -- sh -c 'echo run\"\"ning; read line; echo got $line'\n")
	tt.expect("running")
	tt.typeIn("\x1a")
	tt.expect("Stopped")
	tt.expect("$ ")
	tt.typeIn("fg\n")
	tt.expect("read line") // bash shows what goes on
	tt.typeIn("through\n")
	tt.expect("got through")
	tt.expect("$ ")
	// (A shell that prints and then starts sleep may be hit between the two, and waits.)
	tt.typeIn("$IPC lock $URL -- $IPC " + hearVerb + "\n")
	tt.expect("ready")
	tt.typeIn("\x03")
	tt.expect("heard interrupt")
	tt.expect("$ ")
	tt.typeIn("echo code $?\n")
	tt.expect("code 9")
	tt.typeIn("exit 0\n")
	tt.rest(0)
}

// A command in the background that reads the terminal stops with ipc, and fg lets it read.
func TestBackgroundCommandThatReadsStops(t *testing.T) {
	tt := shellOnTerminal(t)
	tt.typeIn("$IPC lock $URL -- sh -c 'read line; echo got $line' &\n")
	tt.expect("$ ")
	tt.typeIn("until jobs -s | grep Stop\"\"ped; do sleep 0.1; done\n") // bash lists the command as it was typed
	tt.expect("Stopped")
	tt.expect("$ ")
	tt.typeIn("fg\n")
	tt.expect("read line") // bash shows what goes on
	tt.typeIn("through\n")
	tt.expect("got through")
	tt.expect("$ ")
	tt.typeIn("exit 0\n")
	tt.rest(0)
}

// A command that was brought to the foreground while it ran may read then.
func TestCommandBroughtToTheForegroundReads(t *testing.T) {
	tt := shellOnTerminal(t)
	tt.typeIn("$IPC lock $URL -- sh -c 'sleep 1; read line; echo got $line' &\n")
	tt.expect("$ ")
	tt.typeIn("fg\n")
	tt.expect("read line")
	tt.typeIn("through\n")
	tt.expect("got through")
	tt.expect("$ ")
	tt.typeIn("exit 0\n")
	tt.rest(0)
}

// When ipc is killed the terminal is that of its caller again, a moment later.
func TestKilledGivesTheTerminalBack(t *testing.T) {
	tt := shellOnTerminal(t)
	tt.typeIn("sh -c '$IPC lock $URL -- sh -c \"kill -9 \\$PPID; sleep 1000\"; sleep 1; echo after; read line; echo got $line'\n")
	tt.expect("after\r\n")
	tt.typeIn("through\n")
	tt.expect("got through")
	tt.expect("$ ")
	tt.typeIn("exit 0\n")
	tt.rest(0)
}
