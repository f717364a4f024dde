package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// listen makes this process the server.
func listen(t testing.TB, url string, cfg *pipe.Config) *pipe.Listener {
	t.Helper()
	l, err := pipe.Listen(strings.TrimPrefix(url, "pipe://"), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// accept takes the next connection.
func accept(t testing.TB, l *pipe.Listener) *pipe.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ipctest.Patience)
	defer cancel()
	c, err := l.AcceptContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestSendBytes pins what exactly is sent.
func TestSendBytes(t *testing.T) {
	for _, test := range []struct {
		name  string
		stdin string
		args  []string
		want  string
	}{
		{"arguments", "unused", []string{"hello", "there"}, "hello there\n"},
		{"arguments without newline", "", []string{"--no-newline", "hello"}, "hello"},
		{"stream", "a\r\nb\x00", nil, "a\r\nb\x00"},
		{"empty stream", "", nil, ""},
		{"lines", "a\r\nb", []string{"--lines"}, "a\nb\n"},
		{"utf-16", "", []string{"--encoding", "utf-16le", "é😀"}, "\xe9\x00\x3d\xd8\x00\xde\n\x00"},
		{"utf-16 stream", "é😀", []string{"--encoding", "utf-16le"}, "\xe9\x00\x3d\xd8\x00\xde"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := uniqueURL()
			l := listen(t, url, nil)
			got := make(chan string)
			go func() {
				c, err := l.AcceptContext(t.Context())
				if err != nil {
					got <- err.Error()
					return
				}
				defer c.Close()
				text, _ := io.ReadAll(c)
				got <- string(text)
			}()
			r := run(t, test.stdin, append([]string{"send", url}, test.args...)...)
			if g := <-got; g != test.want {
				t.Errorf("got %q, want %q", g, test.want)
			}
			if r != (result{}) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestSendMessages(t *testing.T) {
	url := uniqueURL()
	l := listen(t, url, &pipe.Config{Message: true})
	client := start(t, "send", url, "--message", "--json")
	c := accept(t, l)
	for _, want := range []string{"one", "", strings.Repeat("x", 2*maxLine)} {
		client.Say(want)
		got, err := c.ReadMessage(nil)
		if string(got) != want || err != nil {
			t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
		}
	}
	client.CloseInput()
	if e := parse(t, client.Hear()); *e.Messages != 3 || *e.Bytes != 3+2*maxLine {
		t.Errorf("%+v", e)
	}
	expectEnd(t, client, 0)
}

func TestSendJSON(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--lines", "--echo", "--count", "1")
	client := start(t, "send", url, "--lines", "--reply", "--json", "ping")
	if e := parse(t, client.Hear()); e.Event != "reply" || *e.Text != "ping" {
		t.Errorf("%+v", e)
	}
	e := parse(t, client.Hear())
	if e.Event != "sent" || *e.Text != "ping" || *e.Messages != 1 || *e.Bytes != 5 || e.URL != url || e.Address == "" || e.Error != "" {
		t.Errorf("%+v", e)
	}
	if e.Peer == nil || e.Peer.PID != server.Process.Pid && !ipctest.UnderWine() {
		t.Errorf("peer %+v", e.Peer)
	}
	// Only Linux can tell for certain of a server that has closed.
	if e.Drained == nil && runtime.GOOS == "linux" || e.Drained != nil && !*e.Drained {
		t.Errorf("drained %v", e.Drained)
	}
	expectEnd(t, client, 0)
}

func TestSendWaitsForTheServer(t *testing.T) {
	url := uniqueURL()
	client := start(t, "send", url, "hello")
	l := listen(t, url, nil)
	c := accept(t, l)
	if got, err := io.ReadAll(c); string(got) != "hello\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	expectEnd(t, client, 0)
}

func TestSendTimeout(t *testing.T) {
	t.Run("no server", func(t *testing.T) {
		r := run(t, "", "send", uniqueURL(), "--timeout", "50ms", "hello")
		if r.code != exitTimeout || !strings.Contains(r.stderr, "no server") || !strings.Contains(r.stderr, "ipc serve") {
			t.Errorf("%+v", r)
		}
	})
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"a server that doesn't read", []string{"hello"}, "has not read"},
		{"a server that doesn't answer", []string{"--lines", "--reply", "hello"}, "nor answered"},
		{"a server that doesn't close", []string{"--reply", "hello"}, "nor answered"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if runtime.GOOS == "darwin" {
				t.Skip("the system doesn't say what was read")
			}
			url := uniqueURL()
			l := listen(t, url, nil)
			ipctest.Longer(t, func(limit time.Duration) error {
				client := start(t, append([]string{"send", url, "--timeout", limit.String()}, test.args...)...)
				return expectTimeout(t, client, l, test.want)
			})
		})
	}
}

// expectTimeout serves client, which connects to l and says want when its time is over.
func expectTimeout(t *testing.T, client *ipctest.Process, l *pipe.Listener, want string) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	met := make(chan *pipe.Conn, 1)
	go func() {
		c, _ := l.AcceptContext(ctx)
		met <- c
	}()
	client.Wait()
	cancel()
	if c := <-met; c != nil {
		c.Close()
	}
	if code := client.ProcessState.ExitCode(); code != exitTimeout {
		t.Errorf("exit %d: %s", code, client.Stderr())
	}
	if !strings.Contains(client.Stderr(), want) {
		return fmt.Errorf("it says %q", client.Stderr())
	}
	return nil
}

func TestSendTellsOfLoss(t *testing.T) {
	if runtime.GOOS == "darwin" {
		t.Skip("the system doesn't say what was read")
	}
	if ipctest.UnderWine() {
		t.Skip("Wine sometimes lets a flush succeed although the server closed without reading")
	}
	url := uniqueURL()
	l := listen(t, url, nil)
	client := start(t, "send", url, "--json", "hello")
	c := accept(t, l)
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	expectLoss(t, client)
}

func expectLoss(t *testing.T, client *ipctest.Process) {
	t.Helper()
	if e := parse(t, client.Hear()); e.Drained == nil || *e.Drained || e.Error == "" {
		t.Errorf("%+v", e)
	}
	expectEnd(t, client, exitError)
	if !strings.Contains(client.Stderr(), "is lost") {
		t.Errorf("stderr: %s", client.Stderr())
	}
}

func TestSendStreamBothWaysAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system has no half-close, so the answer to a stream is one read")
	}
	url := uniqueURL()
	start(t, "serve", url, "--exec", "cat", "--count", "1")
	big := strings.Repeat("0123456789abcde\n", 4<<16)
	if got := succeed(t, big, "send", url, "--reply"); got != big {
		t.Errorf("%d bytes came back of %d", len(got), len(big))
	}
}

// takeEach is a server that serves one client after the other, each by a connection of
// its own, and tells what each sent.
func takeEach(t *testing.T, l *pipe.Listener) <-chan string {
	t.Helper()
	got := make(chan string, 100)
	go func() {
		defer close(got)
		for {
			c, err := l.AcceptContext(t.Context())
			if err != nil {
				return
			}
			text, _ := io.ReadAll(c)
			got <- string(text)
			c.Close()
		}
	}()
	return got
}

func TestSendEachLineByItsOwnConnection(t *testing.T) {
	url := uniqueURL()
	got := takeEach(t, listen(t, url, nil))
	out := succeed(t, "one\r\n\nthree", "send", url, "--each", "--json")
	for i, want := range []string{"one\n", "\n", "three\n"} {
		if text := <-got; text != want {
			t.Errorf("connection %d brought %q, want %q", i+1, text, want)
		}
	}
	for line := range strings.Lines(out) {
		if e := parse(t, line); e.Event != "sent" || *e.Messages != 1 {
			t.Errorf("%+v", e)
		}
	}
	if n := strings.Count(out, "\n"); n != 3 {
		t.Errorf("%d events: %s", n, out)
	}
}

func TestSendEachWithAnswers(t *testing.T) {
	url := uniqueURL()
	start(t, "serve", url, "--lines", "--echo", "--count", "3")
	if got := succeed(t, "one\ntwo\nthree\n", "send", url, "--each", "--lines", "--reply"); got != "one\ntwo\nthree\n" {
		t.Errorf("%q", got)
	}
}

// dropping is a server that closes the first connections without reading.
func dropping(t *testing.T, l *pipe.Listener, drops int) <-chan string {
	t.Helper()
	got := make(chan string, 1)
	go func() {
		for n := 0; ; n++ {
			c, err := l.AcceptContext(t.Context())
			if err != nil {
				return
			}
			if n < drops {
				c.Read(make([]byte, 1)) // so that it had come
				c.Close()
				continue
			}
			text, _ := io.ReadAll(c)
			c.Close()
			got <- string(text)
			return
		}
	}()
	return got
}

func TestSendAgainWhatWasNotRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells for certain of a server that has closed")
	}
	for _, each := range []bool{false, true} {
		url := uniqueURL()
		got := dropping(t, listen(t, url, nil), 2)
		var r result
		if each {
			r = run(t, "hello\n", "send", url, "--retry", "2", "--each")
		} else {
			r = run(t, "", "send", url, "--retry", "2", "hello")
		}
		if r.code != 0 || <-got != "hello\n" {
			t.Errorf("%+v", r)
		}
	}
	url := uniqueURL()
	dropping(t, listen(t, url, nil), 3)
	if r := run(t, "one\n", "send", url, "--retry", "2", "--each"); r.code != exitError || !strings.Contains(r.stderr, "line 1: ") || !strings.Contains(r.stderr, "is lost") {
		t.Errorf("%+v", r)
	}
}

func TestSendToAServerThatOnlySends(t *testing.T) {
	url := uniqueURL()
	l := listen(t, url, &pipe.Config{Direction: pipe.Out})
	go l.AcceptContext(t.Context())
	if runtime.GOOS == "darwin" {
		t.Skip("the system doesn't say what was read")
	}
	r := run(t, "", "send", url, "hello")
	if r.code != exitError || strings.Contains(r.stderr, "lost") || !strings.Contains(r.stderr, "ipc receive "+url) {
		t.Errorf("%+v", r)
	}
}

func TestEncodings(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--encoding", "utf-16le", "--lines", "--echo", "--count", "3")
	if got := succeed(t, "", "send", url, "--encoding", "utf-16le", "--lines", "--reply", "grüße 😀"); got != "grüße 😀\n" {
		t.Errorf("reply %q", got)
	}
	expectText(t, server, "grüße 😀")
	c, err := pipe.Dial(t.Context(), strings.TrimPrefix(url, "pipe://"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(ipctest.Patience))
	// A byte order mark, and characters that come byte by byte.
	for _, b := range []byte("\xff\xfe\x3d\xd8\x00\xde\n\x00\x0a\x0a\n\x00") {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	expectText(t, server, "😀")
	expectText(t, server, "\u0a0a")
	answer := make([]byte, 10)
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "\x3d\xd8\x00\xde\n\x00\x0a\x0a\n\x00" {
		t.Errorf("answer %q, %v", answer, err)
	}
	expectEnd(t, server, 0)
}

func TestUTF8InPieces(t *testing.T) {
	url := uniqueURL()
	server := served(t, url, "--count", "2")
	c, err := pipe.Dial(t.Context(), strings.TrimPrefix(url, "pipe://"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, piece := range []string{"\xef", "\xbb\xbf", "\xf0\x9f\x98", "\x80\xc3"} {
		if _, err := io.WriteString(c, piece); err != nil {
			t.Fatal(err)
		}
		if err := c.Drain(t.Context()); err != nil && runtime.GOOS != "darwin" {
			t.Fatal(err)
		}
	}
	expectText(t, server, "😀")
	c.Close()
	if e := parse(t, server.Hear()); string(e.Base64) != "\xc3" {
		t.Errorf("%+v", e)
	}
	expectEnd(t, server, 0)
}

func TestWrongUsage(t *testing.T) {
	for i, line := range []string{
		"serve", "serve a b", "serve chat", "serve http://chat", "serve pipe://", "serve pipe://a/b",
		"serve pipe://a --count x", "serve pipe://a --count -1", "serve pipe://a --nonsense",
		"serve pipe://a --direction up", "serve pipe://a --encoding latin1", "serve pipe://a --mode 99",
		"serve pipe://a --mode 7777", "serve pipe://a --exec x --echo", "serve pipe://a --exec x|y",
		"serve pipe://a --lines --message", "serve pipe://a --raw --json", "serve pipe://a --direction out",
		"serve pipe://a --direction in --echo", "serve fifo:///tmp/a --echo", "serve fifo:///tmp/a --message",
		"serve fifo://a",
		"send", "send chat hello", "send pipe://a --timeout -3s",
		"send pipe://a --timeout 0 hello", "send mq://a --timeout 0s hello", "send mq://a --ttl 0 hello",
		"receive mq://a --timeout 0", "receive pipe://a -t 0", "call pipe://a/B C --timeout 0", "serve pipe://a --grace 1s",
		"send pipe://a --raw hello", "send mq://a --raw hello", "serve pipe://a --exec=", "receive mq://a --exec=",
		"send pipe://a --direction in hello", "send pipe://a --direction in --reply", "send pipe://a --direction out --reply x",
		"send pipe://a --each x", "send pipe://a --retry 1", "send pipe://a --retry -1 x", "send fifo:///tmp/a --retry 1 x",
		"receive", "receive pipe://a x", "receive fifo:///tmp/a", "receive shm://a", "receive pipe://a --count -1", "receive pipe://a --lines --message",
		"receive pipe://a --raw --json", "receive pipe://a --direction in", "receive pipe://a --encoding latin1", "serve pipe://a --grace -1s",
		"send fifo:///tmp/a --reply x",
		"serve pipe://a --exec a&&b", "send pipe://a -5",
		"serve shm://a", "send mmap:///tmp/a hello",
		"create", "create shm://a", "create shm://a --size 0", "create shm://a --size -1", "create shm://a --size 4X",
		"create shm://a --size 8388608T", "create shm://a --size 1 --mode 99", "create pipe://a --size 1",
		"create fifo:///tmp/a --size 1", "create fifo:///tmp/a --allow 0", "create mmap:///tmp/a --size 1 --allow 0",
		"create mmap:///tmp/a", "create mmap://a --size 1",
		"write shm://a", "write pipe://a x", "write shm://a --offset x y", "write mmap:///tmp/a --trust 0 x", "write shm://a --allow 0 x",
		"read", "read pipe://a", "read shm:///a", "read shm://a --hex --strings", "read shm://a --hex --json",
		"read shm://a --watch --raw", "read shm://a --count 1", "read shm://a --watch --interval 0s",
		"read shm://a --watch --count -1", "read shm://a --length 1x", "read mmap:///tmp/a --trust 0", "read shm://a --mode 0660",
		"rm", "rm pipe://a", "rm frame",
		"serve sem://a", "send event://a x", "read mutex://a", "write sem://a x",
		"create sem://a", "create sem://a --value -1", "create sem://a --value 1 --max 0", "create sem://a --value 3 --max 2", "create sem://a --value x",
		"create sem://a --value 1 --size 4K", "create sem://a --value 1 --manual", "create sem:///a --value 1",
		"create mutex://a --value 1", "create event://a --max 1", "create rwmutex://a --manual", "create mutex://a --mode 99",
		"create shm://a --size 1 --value 1",
		"lock", "lock mutex://a", "lock mutex://a x", "lock mutex://a --", "lock -- mutex://a x", "lock mutex://a b -- x",
		"lock sem://a -- x", "lock event://a -- x", "lock mutex://a --shared -- x", "lock mutex://a --nonsense -- x",
		"lock mutex://a --timeout -1s -- x", "lock mutex://a --try --timeout 1s -- x",
		"acquire", "acquire mutex://a", "acquire sem://a x", "acquire sem://a --timeout -1s", "acquire sem://a --",
		"release", "release sem://a b", "release mutex://a", "release sem://a --count 0", "release sem://a -c x", "acquire sem://a --count 0",
		"wait", "wait sem://a", "wait event://a --timeout x", "wait event://a --try --timeout 1s", "wait event://a b",
		"set", "set mutex://a", "reset", "reset sem://a", "reset pipe://a", "reset mutex://a", "reset rwmutex://a",
		"acquire sem://a --mode 0660", "lock lead://a --shared -- x", "lock file://a -- x", "lock mutex://a --fcntl -- x", "create file:///a", "wait barrier://a", "create lead://a", "create barrier://a",
		"serve pipe://a --trust 0", "serve fifo:///tmp/a --allow 0", "send pipe://a --allow 0 x", "stat", "ls mmap:///tmp", "ls x", "stat a", "stat sem://a b",
		"pipeline", "pipeline a | b", "pipeline a --quiet --stats", "demo x", "completion bash x", "completion x", "servve", "nonsense", "--nonsense",
	} {
		if ipctest.UnderWine() && i%8 > 0 {
			continue // wrong usage is the same everywhere, and each process takes half a second
		}
		t.Run(line, func(t *testing.T) {
			r := run(t, "", strings.Fields(line)...)
			if r.code != exitUsage || r.stdout != "" || !strings.HasPrefix(r.stderr, "ipc") || !strings.Contains(r.stderr, "--help") {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestSendRefusals(t *testing.T) {
	for _, url := range []string{"pipe://" + strings.Repeat("x", 300), "pipe://-x", "pipe://.."} {
		r := run(t, "", "send", url, "x")
		if r.code != exitError || !strings.HasPrefix(r.stderr, "ipc: pipe dial ") {
			t.Errorf("%s: %+v", url, r)
		}
	}
	if entries, _ := os.ReadDir(os.TempDir()); len(entries) > 0 && runtime.GOOS != "windows" {
		t.Logf("in the temporary directory: %v", entries)
	}
}
