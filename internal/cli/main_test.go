package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// commandEnv makes a process of the test binary the command ipc.
const commandEnv = "IPC_TEST_COMMAND"

// shoutVerb makes it a program that answers each line in capitals instead: what
// tr is, and Windows lacks.
const shoutVerb = "shout"

// The verbs of other programs that commands of the tests are: lingerVerb says
// something, reads until its input ends, and exits with a code; hearVerb says that it
// is ready, and exits with 9 when it has heard a signal and named it; countVerb adds 1
// to the number in a file, which goes wrong if two processes do it at once;
// recoveredVerb prints what it is told of the holder before, and exits with a code; jobVerb
// prints what it is told of its message, and the message, and exits with a code.
const (
	lingerVerb    = "linger"
	hearVerb      = "hear"
	countVerb     = "count"
	recoveredVerb = "recovered"
	jobVerb       = "job"
)

func TestMain(m *testing.M) {
	if os.Getenv(endlessEnv) != "" {
		runDemo = endlessDemo
	}
	if os.Getenv(quickEnv) != "" {
		runDemo = quickDemo
	}
	switch {
	case os.Getenv(commandEnv) == "":
		ipctest.Main(m)
	case len(os.Args) == 2 && os.Args[1] == shoutVerb:
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			fmt.Println(strings.ToUpper(in.Text()))
		}
	case len(os.Args) == 3 && os.Args[1] == lingerVerb:
		fmt.Println("lingering")
		io.Copy(io.Discard, os.Stdin)
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case len(os.Args) == 2 && os.Args[1] == hearVerb:
		heard := make(chan os.Signal, 8)
		signal.Notify(heard, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
		fmt.Println("ready")
		fmt.Println("heard", <-heard)
		os.Exit(9)
	case len(os.Args) == 3 && os.Args[1] == countVerb:
		text, err := os.ReadFile(os.Args[2])
		n, _ := strconv.Atoi(string(text))
		if err == nil {
			err = os.WriteFile(os.Args[2], []byte(strconv.Itoa(n+1)), 0o600)
		}
		if err != nil {
			panic(err)
		}
	case len(os.Args) == 3 && os.Args[1] == recoveredVerb:
		fmt.Println(os.Getenv(recoveredVariable))
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case len(os.Args) == 3 && os.Args[1] == jobVerb:
		body, _ := io.ReadAll(os.Stdin)
		fmt.Println(os.Getenv(deliveriesVariable), os.Getenv(idVariable), string(body))
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case len(os.Args) == 4 && os.Args[1] == objectsVerb:
		if err := serveObjects(os.Args[2], os.Args[3]); err != nil {
			panic(err)
		}
	default:
		os.Exit(Main())
	}
}

// hangUp makes processes that are started from now on heed SIGHUP, also if the tests run
// under nohup.
var hangUp sync.Once

// ipc returns the command with these arguments.
func ipc(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	hangUp.Do(func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) })
	cmd := exec.Command(exe, args...)
	// The race detector would hold every process back for a second at its end.
	cmd.Env = append(os.Environ(), commandEnv+"=1", "GORACE=atexit_sleep_ms=0")
	return cmd
}

// start runs the command beside the test.
func start(t testing.TB, args ...string) *ipctest.Process {
	t.Helper()
	return ipctest.StartCommand(t, ipc(t, args...))
}

// result is what a command that has ended left.
type result struct {
	stdout, stderr string
	code           int
}

// run runs the command to its end.
func run(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	cmd := ipc(t, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	const most = 5 * time.Minute // a test that hangs doesn't say in which command
	err := cmd.Start()
	if err == nil {
		overdue := time.AfterFunc(most, func() {
			t.Errorf("ipc %q was killed: it had not ended after %v", args, most)
			cmd.Process.Kill()
		})
		defer overdue.Stop()
		err = cmd.Wait()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// succeed runs the command and returns its output; a failure of it is the
// test's.
func succeed(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	r := run(t, stdin, args...)
	if r.code != 0 {
		t.Fatalf("ipc %q: exit %d, stderr: %s", args, r.code, r.stderr)
	}
	return r.stdout
}

// uniqueURL returns a pipe's URL that no other test uses.
func uniqueURL() string { return "pipe://" + ipctest.UniqueName() }

// parse reads a line of --json.
func parse(t testing.TB, line string) event {
	t.Helper()
	var e event
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return e
}

// served starts serve with --json and waits until it listens.
func served(t testing.TB, url string, args ...string) *ipctest.Process {
	t.Helper()
	p := start(t, append([]string{"serve", url, "--json"}, args...)...)
	if e := parse(t, p.Hear()); e.Event != "listening" || e.Address == "" || e.URL != url {
		t.Fatalf("first event %+v", e)
	}
	return p
}

// expectText waits for a message.
func expectText(t testing.TB, p *ipctest.Process, want string) event {
	t.Helper()
	line := p.Hear()
	e := parse(t, line)
	if e.Event != "message" || e.Text == nil || *e.Text != want {
		t.Fatalf("got %s, want the message %q", line, want)
	}
	return e
}

// expectEnd waits for the end of a process, which is to print no more.
func expectEnd(t testing.TB, p *ipctest.Process, code int) {
	t.Helper()
	if line, ok := p.TryHear(); ok {
		t.Errorf("instead of ending it printed %q", line)
	}
	p.Wait()
	if got := p.ProcessState.ExitCode(); got != code {
		t.Fatalf("exit %d, want %d; stderr: %s", got, code, p.Stderr())
	}
}
