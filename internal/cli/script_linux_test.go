package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A step is how a line of a script is run, and what it has to do. The script has /tmp,
// /var/tmp and /dev/shm to itself, and starts in an empty directory.
type step struct {
	before string // shell commands that make what the line needs
	ends   string // shell commands that end the line, which goes on until then; $OUT is its output, $PID its group
	beside int    // how many of the next lines are run before that
	after  string // shell commands that fail if the line didn't do its work
	stdin  string
	want   string // what the output has
	cant   string // why the line is not run
}

// untilHeard are shell commands that wait until a line's output has the pattern.
func untilHeard(pattern string) string {
	return `until grep -q '` + pattern + `' "$OUT"; do :; done` + "\n"
}

// interrupt is Ctrl-C for a line.
const interrupt = `kill -INT -- -$PID` + "\n"

// scriptLimit is how long a script may take.
const scriptLimit = 2 * time.Minute

// runScript runs lines one after the other, as steps says.
func runScript(t *testing.T, lines []string, steps map[string]step) {
	t.Helper()
	work := t.TempDir()
	for _, dir := range []string{"tmp", "var", "tmp/bin", "tmp/home", "tmp/out"} {
		if err := os.Mkdir(filepath.Join(work, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(work, "tmp", "out")
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(work, "tmp", "bin", "ipc"), "") // the command is mounted there
	var script strings.Builder
	script.WriteString(preamble)
	type waiting struct{ from, until int }
	var goOn []waiting
	for i, line := range lines {
		s, ok := steps[code(line)]
		if !ok {
			t.Errorf("there is no step for the line %q", line)
			continue
		}
		if s.cant != "" {
			t.Logf("not run: %s: %s", line, s.cant)
			continue
		}
		write(filepath.Join(out, fmt.Sprint(i, ".in")), s.stdin)
		fmt.Fprintf(&script, "own %d before <<'EOF'\n%s\nEOF\n", i, s.before)
		fmt.Fprintf(&script, "{\n%s\n} </tmp/out/%d.in >/tmp/out/%[2]d 2>&1", line, i)
		if s.ends == "" {
			fmt.Fprintf(&script, "\necho $? >/tmp/out/%d.code\n", i)
		} else {
			fmt.Fprintf(&script, " &\npid%d=$!\n", i)
			goOn = append(goOn, waiting{i, i + s.beside})
		}
		for len(goOn) > 0 && goOn[len(goOn)-1].until <= i {
			from := goOn[len(goOn)-1].from
			goOn = goOn[:len(goOn)-1]
			fmt.Fprintf(&script, "OUT=/tmp/out/%d PID=$pid%[1]d own %[1]d ends <<'EOF'\n%s\nEOF\nwait $pid%[1]d\necho $? >/tmp/out/%[1]d.code\n", from, steps[code(lines[from])].ends)
		}
		fmt.Fprintf(&script, "own %d after <<'EOF'\n%s\nEOF\n", i, s.after)
	}
	said := inNamespace(t, script.String(), work)
	for i, line := range lines {
		s := steps[code(line)]
		if s.cant != "" {
			continue
		}
		printed, _ := os.ReadFile(filepath.Join(out, fmt.Sprint(i)))
		exit, _ := os.ReadFile(filepath.Join(out, fmt.Sprint(i, ".code")))
		if string(exit) != "0\n" || !strings.Contains(string(printed), s.want) {
			t.Errorf("%s\nexit %q, want 0; it printed %q, want %q", line, exit, printed, s.want)
		}
	}
	if said != "" {
		t.Errorf("the shell said: %s", said)
	}
}

// code returns a line of a script without its comment.
func code(line string) string {
	return strings.TrimSpace(regexp.MustCompile(`\s+# .*`).ReplaceAllString(line, ""))
}

// preamble gives the script directories of its own, and the command. own runs a step's
// commands, and says so if they fail.
const preamble = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /dev/shm
mount --bind "$WORK/var" /var/tmp
mount --bind "$EXE" "$WORK/tmp/bin/ipc"
mount --rbind "$WORK/tmp" /tmp
export PATH=/tmp/bin:$PATH HOME=/tmp/home TMPDIR=/tmp
cd
set +e -m
trap 'for job in $(jobs -p); do kill -KILL -- -$job; done 2>/dev/null' EXIT
own() {
  commands=$(cat)
  (set -e -o pipefail; eval "$commands") >/tmp/out/$1.$2 2>&1 </dev/null || { echo "$2 of line $1 failed:"; cat /tmp/out/$1.$2; }
}
`

// inNamespace runs a shell script that sees mounts of its own, and returns what it said.
func inNamespace(t *testing.T, script, work string) string {
	t.Helper()
	for _, program := range []string{"bash", "mount"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), scriptLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Env = append(os.Environ(), "WORK="+work, "EXE="+exe, commandEnv+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends its jobs
	cmd.WaitDelay = 5 * time.Second
	var said, notices bytes.Buffer // the shell's stderr tells of jobs that ended, too
	cmd.Stdout, cmd.Stderr = &said, &notices
	if err := cmd.Start(); err != nil {
		t.Skip("the script can't have mounts of its own: ", err)
	}
	cmd.Wait() // the lines' codes tell
	if ctx.Err() != nil {
		t.Errorf("the script has not ended after %v", scriptLimit)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("on standard error the shell said: %s", notices.String())
		}
	})
	return said.String()
}
