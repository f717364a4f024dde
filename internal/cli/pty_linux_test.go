package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal that a command runs on.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	output chan string
	seen   string // and not expected yet
}

// onTerminal runs the command on a terminal of 80 columns.
func onTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	master, slave := openPTY(t)
	defer slave.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tt := &terminal{t: t, master: master, cmd: cmd, output: make(chan string, 1024)}
	go func() {
		defer close(tt.output)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			tt.output <- string(buf[:n])
			if err != nil {
				return // EIO when no process has the terminal open any more
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		for range tt.output {
		}
	})
	return tt
}

func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		ipctest.Missing(t, "there are no pseudo-terminals:", err.Error())
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// expect waits until want has been shown, and returns what was before it.
func (tt *terminal) expect(want string) string {
	tt.t.Helper()
	timeout := time.After(ipctest.Patience)
	for {
		if before, after, ok := strings.Cut(tt.seen, want); ok {
			tt.seen = after
			return before
		}
		select {
		case text, ok := <-tt.output:
			if !ok {
				tt.t.Fatalf("the command ended without showing %q; it showed %q", want, tt.seen)
			}
			tt.seen += text
		case <-timeout:
			tt.t.Fatalf("waiting for %q; the command showed %q", want, tt.seen)
		}
	}
}

// rest waits for the end of the command, and returns what else it shows.
func (tt *terminal) rest(code int) string {
	tt.t.Helper()
	for text := range tt.output {
		tt.seen += text
	}
	tt.cmd.Wait()
	if got := tt.cmd.ProcessState.ExitCode(); got != code {
		tt.t.Errorf("exit %d, want %d; it showed %q", got, code, tt.seen)
	}
	return tt.seen
}

func (tt *terminal) typeIn(text string) {
	tt.t.Helper()
	if _, err := tt.master.WriteString(text); err != nil {
		tt.t.Fatal(err)
	}
}

func TestSendPrompts(t *testing.T) {
	url := uniqueURL()
	for _, end := range []string{"exit\n", "\x04"} {
		server := served(t, url, "--count", "2")
		tt := onTerminal(t, ipc(t, "send", url))
		tt.expect("> ")
		tt.typeIn("hello\n")
		expectText(t, server, "hello\n")
		tt.expect("> ")
		tt.typeIn("exit now\n")
		expectText(t, server, "exit now\n")
		expectEnd(t, server, 0)
		tt.expect("> ")
		tt.typeIn(end)
		tt.rest(0)
	}
}

func TestSendPromptsForAnswers(t *testing.T) {
	url := uniqueURL()
	start(t, "serve", url, "--echo", "--until", "ünd")
	tt := onTerminal(t, ipc(t, "send", url, "--reply"))
	for _, text := range []string{"one", "\u202etwo", "ünd"} {
		tt.expect("> ")
		tt.typeIn(text + "\n")
		tt.expect("\n" + strings.ReplaceAll(text, "\u202e", `\u202e`) + "\r\n")
	}
	tt.expect("> ")
	tt.typeIn("exit\n")
	tt.rest(0)
}

func TestSendSaysThatItWaits(t *testing.T) {
	url := uniqueURL()
	tt := onTerminal(t, ipc(t, "send", url, "hello"))
	tt.expect("waiting for a server at " + url)
	server := served(t, url, "--count", "1")
	expectText(t, server, "hello\n")
	expectEnd(t, server, 0)
	tt.rest(0)
}

func TestAnswerOnATerminalIsInert(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, `bad\x1b[2J\u009b` + "\r\nand\tmore\r\n"},
		{[]string{"--raw"}, "bad\x1b[2J\u009b\r\r\nand\tmore"},
	} {
		url := uniqueURL()
		start(t, "serve", url, "--exec", `sh -c 'cat >&2; printf "bad\033[2J\302\233\r\nand\tmore"'`, "--count", "1")
		tt := onTerminal(t, ipc(t, append([]string{"send", url, "--reply", "x"}, test.args...)...))
		if got := tt.rest(0); got != test.want {
			t.Errorf("%v: showed %q, want %q", test.args, got, test.want)
		}
	}
}

func TestServeOnATerminal(t *testing.T) {
	for _, colour := range []bool{true, false} {
		url := uniqueURL()
		cmd := ipc(t, "serve", url)
		cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=")
		if !colour {
			cmd.Env = append(cmd.Env, "NO_COLOR=1")
		}
		tt := onTerminal(t, cmd)
		tt.expect("listening at ")
		succeed(t, "", "send", url, "\x1b[31mred")
		shown := tt.expect(`\x1b[31mred`)
		if got := strings.Contains(shown, "\x1b[36m"); got != colour {
			t.Errorf("colour %v: showed %q", colour, shown)
		}
		tt.typeIn("\x03")
		tt.rest(0)
	}
}

func TestPipelineOnATerminal(t *testing.T) {
	goOn := filepath.Join(t.TempDir(), "go on")
	if err := unix.Mkfifo(goOn, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GO_ON", goOn)
	cmd := ipc(t, "pipeline", `sh -c 'echo early; read line < "$GO_ON"; echo late' | cat`)
	cmd.Env = append(cmd.Env, "NO_COLOR=1", "TERM=xterm")
	tt := onTerminal(t, cmd)
	tt.expect("early\r\n")
	tt.expect("sh → ") // the rates
	tt.expect("/s → cat → ")
	if err := os.WriteFile(goOn, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	shown := tt.expect("late\r\n")
	if !strings.HasSuffix(shown, eraseLine) {
		t.Errorf("the status line was not erased before the output: %q", shown)
	}
	table := tt.rest(0)
	if !strings.Contains(table, "stage ") || !strings.Contains(table, "11 B") || !strings.Contains(table, "exit status 0") {
		t.Errorf("table %q", table)
	}
}

func TestPipelineQuietlyOnATerminal(t *testing.T) {
	tt := onTerminal(t, ipc(t, "pipeline", "--quiet", `echo x | sh -c 'cat; test -t 1'`))
	if got := tt.rest(0); got != "x\r\n" {
		t.Errorf("showed %q", got)
	}
}

func TestReadOnATerminal(t *testing.T) {
	url := create(t, "shm", "20")
	succeed(t, "", "write", url, "\x1b[2Jclear")
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "00000000  1b 5b 32 4a 63 6c 65 61  72 00 00 00 00 00 00 00  |.[2Jclear.......|\r\n" +
			"00000010  00 00 00 00                                       |....|\r\n00000014\r\n"},
		{[]string{"--raw"}, "\x1b[2Jclear" + strings.Repeat("\x00", 11)},
		{[]string{"--strings"}, "00000001  [2Jclear\r\n"},
	} {
		tt := onTerminal(t, ipc(t, append([]string{"read", url}, test.args...)...))
		if got := tt.rest(0); got != test.want {
			t.Errorf("%v: showed %q, want %q", test.args, got, test.want)
		}
	}
}

func TestWatchOnATerminal(t *testing.T) {
	url := create(t, "shm", "20")
	cmd := ipc(t, "read", url, "--watch")
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	tt := onTerminal(t, cmd)
	tt.expect("watching 20 bytes of " + url)
	succeed(t, "", "write", url, "--offset", "8", "\x1b")
	tt.expect("00000008  00 → 1b  |.| → |.|\r\n")
	tt.typeIn("\x03")
	tt.rest(0)
}

// Ctrl-C is the command's to handle, and ends a waiter.
func TestLockOnATerminal(t *testing.T) {
	exe, _ := os.Executable()
	url := syncURL(t, "mutex")
	holder := onTerminal(t, ipc(t, "lock", url, "--", exe, hearVerb))
	holder.expect("ready\r\n")
	waiter := onTerminal(t, ipc(t, "lock", url, "--", "true"))
	waiter.expect("waiting for " + url)
	waiter.typeIn("\x03")
	waiter.rest(128 + 2)
	holder.typeIn("\x03")
	holder.expect("heard interrupt\r\n")
	holder.rest(9)
	succeed(t, "", "lock", url, "-n", "--", "true")
}
