package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

func TestServePlain(t *testing.T) {
	url := uniqueURL()
	server := start(t, "serve", url, "--until", "shutdown")
	client := ipc(t, "send", url, "one", "two")
	if out, err := client.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("send: %v: %s", err, out)
	}
	line := server.Hear()
	form := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} (.+)\[(\d+)\] one two$`)
	m := form.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("printed %q", line)
	}
	if !ipctest.UnderWine() && !strings.Contains(line, "["+strconv.Itoa(client.ProcessState.Pid())+"]") {
		t.Errorf("printed %q for pid %d", line, client.ProcessState.Pid())
	}
	if want := filepath.Base(client.Path); m[1] != want && runtime.GOOS == "linux" {
		t.Errorf("program %q, want %q", m[1], want)
	}
	succeed(t, "", "send", url, "shutdown")
	if line := server.Hear(); !strings.HasSuffix(line, " shutdown") {
		t.Errorf("printed %q", line)
	}
	expectEnd(t, server, 0)
	if _, err := pipe.Dial(t.Context(), strings.TrimPrefix(url, "pipe://"), nil); err == nil {
		t.Error("a process still listens")
	}
}

func TestServeCount(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--lines", "--count", "3")
	succeed(t, "a\nb\n", "send", url, "--lines")
	expectText(t, server, "a")
	expectText(t, server, "b")
	succeed(t, "", "send", url, "c")
	expectText(t, server, "c")
	expectEnd(t, server, 0)
}

func TestServeUntilInTheMiddle(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--lines", "--until", "stop")
	r := run(t, "a\nstop\nnever\n", "send", url, "--timeout", "30s")
	expectText(t, server, "a")
	expectText(t, server, "stop")
	expectEnd(t, server, 0)
	if r.code > 1 {
		t.Errorf("send: exit %d: %s", r.code, r.stderr)
	}
}

func TestServeManyClients(t *testing.T) {
	url := uniqueURL()
	const clients = 8
	server := served(t, url, "--lines", "--echo", "--count", strconv.Itoa(clients))
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if r := run(t, "", "send", url, "--lines", "--reply", "hello"); r.stdout != "hello\n" || r.code != 0 {
				t.Errorf("%+v", r)
			}
		})
	}
	seen := map[int]bool{}
	for range clients {
		e := expectText(t, server, "hello")
		seen[e.Connection] = true
		if e.Peer == nil || e.Peer.User == "" {
			t.Errorf("peer %+v", e.Peer)
		}
	}
	all.Wait()
	if len(seen) != clients {
		t.Errorf("connections %v", seen)
	}
	expectEnd(t, server, 0)
}

func TestServeMessages(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--message", "--echo", "--count", "3")
	if got := succeed(t, "one\ntwo two\n", "send", url, "--message", "--reply"); got != "one\ntwo two\n" {
		t.Errorf("reply %q", got)
	}
	expectText(t, server, "one")
	expectText(t, server, "two two")
	succeed(t, "", "send", url, "-m", "three")
	expectText(t, server, "three")
	expectEnd(t, server, 0)
}

func TestServeMismatchedModeGoesOn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system converts between the modes")
	}
	url := uniqueURL()
	server := served(t, url, "--message", "--count", "1")
	run(t, "", "send", url, "not a message")
	if e := parse(t, server.Hear()); e.Event != "error" || !strings.Contains(e.Error, "message mode") {
		t.Errorf("%+v", e)
	}
	succeed(t, "", "send", url, "--message", "a message")
	expectText(t, server, "a message")
	expectEnd(t, server, 0)
}

func TestServeSpellsControlCharactersOut(t *testing.T) {
	url := uniqueURL()
	server := start(t, "serve", url, "--count", "3")
	succeed(t, "\x1b[2Jred\x9b\a\x00\r\nforged\u202e\n", "send", url)
	for _, want := range []string{` \x1b[2Jred\x9b\a\x00`, ` forged\u202e`} {
		if line := server.Hear(); !strings.HasSuffix(line, want) {
			t.Errorf("printed %q, want …%q", line, want)
		}
	}
	succeed(t, "bin\xff", "send", url)
	if line := server.Hear(); !strings.HasSuffix(line, ` bin\xff`) {
		t.Errorf("printed %q", line)
	}
	succeed(t, "tab\there", "send", url)
	if line := server.Hear(); !strings.HasSuffix(line, " tab\there") {
		t.Errorf("printed %q", line)
	}
	expectEnd(t, server, 0)
}

func TestServeJSONIsInert(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--count", "2")
	const text = "\x1b[2J\u009b\x7f\u202e\U000e0001"
	succeed(t, text, "send", url)
	line := server.Hear()
	if e := parse(t, line); e.Text == nil || *e.Text != text {
		t.Errorf("printed %s", line)
	}
	if printable(line, "") != line {
		t.Errorf("printed %q", line)
	}
	succeed(t, "\xff\xfe\x00", "send", url)
	if e := parse(t, server.Hear()); e.Text != nil || string(e.Base64) != "\xff\xfe\x00" {
		t.Errorf("%+v", e)
	}
	expectEnd(t, server, 0)
}

func TestServeRaw(t *testing.T) {
	url := uniqueURL()
	server := start(t, "serve", url, "--raw", "--lines", "--count", "2")
	succeed(t, "\x1b[1mbold\nend\n", "send", url)
	server.Expect("\x1b[1mbold")
	server.Expect("end")
	expectEnd(t, server, 0)
}

func TestServeLongLineIsSplit(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--lines", "--count", "2")
	line := strings.Repeat("é", maxLine/2) + "tail"
	succeed(t, line+"\n", "send", url)
	first, second := parse(t, server.Hear()), parse(t, server.Hear())
	if !first.Split || len(*first.Text) > maxLine || second.Split || *first.Text+*second.Text != line {
		t.Errorf("split %v at %d, then %v", first.Split, len(*first.Text), second.Split)
	}
	expectEnd(t, server, 0)
}

func TestServeExec(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	url := uniqueURL()
	server := served(t, url, "--exec", "'"+exe+"' "+shoutVerb, "--count", "2")
	for _, text := range []string{"one", "two"} {
		if got := succeed(t, text+"\n", "send", url, "--reply"); got != strings.ToUpper(text)+"\n" {
			t.Errorf("reply %q", got)
		}
		if e := parse(t, server.Hear()); e.Event != "exit" || e.Exit == nil || *e.Exit != 0 || e.Peer == nil {
			t.Errorf("%+v", e)
		}
	}
	expectEnd(t, server, 0)
}

func TestServeExecReportsFailure(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no sh")
	}
	url := uniqueURL()
	server := served(t, url, "--exec", `sh -c 'echo gone; exit 7'`, "--count", "1")
	if got := succeed(t, "", "send", url, "--reply"); got != "gone\n" {
		t.Errorf("reply %q", got)
	}
	if e := parse(t, server.Hear()); e.Exit == nil || *e.Exit != 7 {
		t.Errorf("%+v", e)
	}
	expectEnd(t, server, 0)
}

func TestServeExecWithoutTheCommand(t *testing.T) {
	if r := run(t, "", "serve", uniqueURL(), "--exec", "no-such-program x"); r.code != exitError || !strings.Contains(r.stderr, "no-such-program") {
		t.Errorf("%+v", r)
	}
	if r := run(t, "", "serve", uniqueURL(), "--exec", ""); r.code != exitUsage || !strings.Contains(r.stderr, "--exec lacks a command") {
		t.Errorf("%+v", r)
	}
}

func TestServeOneWay(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	url := uniqueURL()
	server := served(t, url, "--direction", "in", "--count", "1")
	succeed(t, "", "send", url, "--direction", "out", "--no-newline", "in")
	expectText(t, server, "in")
	expectEnd(t, server, 0)

	url = uniqueURL()
	server = served(t, url, "--direction", "out", "--exec", "'"+exe+"' --version", "--count", "1")
	if got := succeed(t, "", "receive", url); !strings.HasPrefix(got, "ipc ") {
		t.Errorf("reply %q", got)
	}
	if e := parse(t, server.Hear()); e.Exit == nil || *e.Exit != 0 {
		t.Errorf("%+v", e)
	}
	expectEnd(t, server, 0)
}

func TestServeTakenName(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--count", "1")
	r := run(t, "", "serve", url)
	if r.code != exitError || !strings.HasPrefix(r.stderr, "ipc: pipe listen ") {
		t.Errorf("%+v", r)
	}
	succeed(t, "", "send", url, "end")
	expectText(t, server, "end\n")
	expectEnd(t, server, 0)
}

func TestServeUntilWithinOneRead(t *testing.T) {
	url := uniqueURL()
	server := start(t, "serve", url, "--until", "stop")
	succeed(t, "a\r\nstop\r\n\r\nb\r\n", "send", url)
	for _, want := range []string{" a", " stop", " ", " b"} {
		if line := server.Hear(); !strings.HasSuffix(line, want) {
			t.Errorf("printed %q, want …%q", line, want)
		}
	}
	expectEnd(t, server, 0)
}

func TestServeExecConcurrently(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	url := uniqueURL()
	server := served(t, url, "--exec", "'"+exe+"' "+shoutVerb, "--count", "2")
	one := start(t, "send", url, "--lines", "--reply")
	one.Say("one")
	one.Expect("ONE")
	two := start(t, "send", url, "--lines", "--reply")
	two.Say("two")
	two.Expect("TWO")
	one.Say("one again")
	one.Expect("ONE AGAIN")
	for _, client := range []*ipctest.Process{two, one} {
		client.CloseInput()
		expectEnd(t, client, 0)
		if e := parse(t, server.Hear()); e.Event != "exit" {
			t.Errorf("%+v", e)
		}
	}
	expectEnd(t, server, 0)
}

// visit is a client that says something and leaves without looking.
func visit(t *testing.T, url, text string) {
	t.Helper()
	c, err := pipe.Dial(t.Context(), strings.TrimPrefix(url, "pipe://"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// Clients in turn, each with a connection and a line of its own, as C# programs do:
// no line is lost, and all are in order.
func TestServeUntilPrintsEveryLineInOrder(t *testing.T) {
	rounds := 60
	if ipctest.UnderWine() {
		rounds = 6
	}
	for range rounds {
		url := uniqueURL()
		server := served(t, url, "--lines", "--until", "stop")
		said := []string{"one", "two", "three", "four", "five", "stop"}
		for _, text := range said {
			visit(t, url, text+"\n")
		}
		for i, text := range said {
			if e := expectText(t, server, text); e.Connection != i+1 {
				t.Errorf("%q came on connection %d", text, e.Connection)
			}
		}
		expectEnd(t, server, 0)
	}
}

func TestServeUntilReadsOpenConnections(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--lines", "--until", "stop", "--grace", "1m")
	open := start(t, "send", url, "--lines")
	open.Say("before")
	expectText(t, server, "before")
	succeed(t, "", "send", url, "stop")
	expectText(t, server, "stop")
	if runtime.GOOS != "windows" { // where it looks busy while it has connections
		if _, err := pipe.Dial(t.Context(), strings.TrimPrefix(url, "pipe://"), nil); err == nil {
			t.Error("it still accepts")
		}
	}
	open.Say("after")
	expectText(t, server, "after")
	open.CloseInput()
	expectEnd(t, open, 0)
	expectEnd(t, server, 0)
}

func TestServeUntilWarnsOfOpenConnections(t *testing.T) {
	for _, grace := range []string{"0", "50ms"} {
		url := uniqueURL()
		server := start(t, "serve", url, "--lines", "--until", "stop", "--grace", grace)
		open := start(t, "send", url, "--lines")
		open.Say("before")
		if line := server.Hear(); !strings.HasSuffix(line, " before") {
			t.Errorf("printed %q", line)
		}
		succeed(t, "", "send", url, "stop")
		if line := server.Hear(); !strings.HasSuffix(line, " stop") {
			t.Errorf("printed %q", line)
		}
		expectEnd(t, server, 0)
		if stderr := server.Stderr(); strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, `still connected`) {
			t.Errorf("stderr: %s", stderr)
		}
		open.Say("too late")
		open.CloseInput()
		open.Wait()
		if code := open.ProcessState.ExitCode(); code != exitError {
			t.Errorf("the client that was cut off: exit %d", code)
		}
	}
}

// What was not shown is not confirmed: that the other lines of a chunk are lost is told.
func TestSendLearnsOfLinesAfterTheWord(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells for certain of a server that has closed")
	}
	url := uniqueURL()
	server := served(t, url, "--lines", "--until", "stop")
	r := run(t, "a\nstop\nnever\n", "send", url)
	expectText(t, server, "a")
	expectText(t, server, "stop")
	expectEnd(t, server, 0)
	if r.code != exitError || !strings.Contains(r.stderr, "lost") {
		t.Errorf("%+v", r)
	}
}

// A server of the other mode takes nothing, and send says so.
func TestSendToAServerOfTheOtherMode(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Windows converts between the modes; only Linux tells what was read")
	}
	for _, modes := range [][2]string{{"--message", "--lines"}, {"--lines", "--message"}} {
		url := uniqueURL()
		server := served(t, url, modes[0], "--count", "1")
		r := run(t, "", "send", url, modes[1], "hello")
		if r.code != exitError || !strings.Contains(r.stderr, "is lost") || !strings.Contains(r.stderr, "--message") {
			t.Errorf("%s to %s: %+v", modes[1], modes[0], r)
		}
		if e := parse(t, server.Hear()); e.Event != "error" || !strings.Contains(e.Error, "message mode") {
			t.Errorf("%+v", e)
		}
		succeed(t, "", "send", url, modes[0], "in the right mode")
		expectText(t, server, "in the right mode")
		expectEnd(t, server, 0)
	}
}
