//go:build linux || windows

package pipe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// What docs/interop.md says of programs in other languages is shown here with
// real ones. testdata/peer.cs and peer.py do what a test tells them, line by
// line; the other files there are the programs that the document shows.

// peerTests is what holds for every peer.
func peerTests() (tests []ipctest.PeerTest) {
	add := func(name string, run func(*testing.T, ipctest.Program), notOnWindows string) {
		tests = append(tests, ipctest.PeerTest{Name: name, Run: run, Not: notWindows(notOnWindows)})
	}
	for role, meet := range map[string]meeting{"server": meetServer, "client": meetClient} {
		for theirs, ours := range map[string]Direction{"In": Out, "Out": In, "InOut": Duplex} {
			cfg := &Config{Direction: ours}
			add(role+"/"+theirs+"/name", func(t *testing.T, program ipctest.Program) {
				p := ipctest.StartCommand(t, program())
				converse(t, meet(t, p, ipctest.UniqueName(), theirs, cfg), p, theirs)
			}, "")
			add(role+"/"+theirs+"/path", func(t *testing.T, program ipctest.Program) {
				p := ipctest.StartCommand(t, program())
				converse(t, meet(t, p, filepath.Join(t.TempDir(), "chat.sock"), theirs, cfg), p, theirs)
			}, "a pipe has no path there")
		}
		with := func(test func(*testing.T, ipctest.Program, meeting)) func(*testing.T, ipctest.Program) {
			return func(t *testing.T, program ipctest.Program) { test(t, program, meet) }
		}
		add(role+"/closes", with(testPeerCloses), "")
		add(role+"/closes unread", with(testPeerClosesUnread), "the system forgets what had not been read")
		add(role+"/only reads", with(testPeerOnlyReads), "directions are agreed on when the pipe is opened")
		add(role+"/writes against us", with(testPeerWritesAgainstUs), "directions are agreed on when the pipe is opened")
		add(role+"/messages", with(testPeerWithoutMessages), "a byte-mode client of a pipe in message mode is met: its writes are the messages")
	}
	add("Drain", testPeerDrain, "the pipe of a .NET server has no buffer, so that Write waits until it is read")
	add("live", testPeerLive, "")
	return tests
}

func notWindows(reason string) map[ipctest.Runtime]string {
	return map[ipctest.Runtime]string{ipctest.NETOnWindows: reason}
}

// meeting connects the peer, which is told a name and its direction, with us.
type meeting func(t *testing.T, p *ipctest.Process, name, direction string, cfg *Config) *Conn

func testPeerCloses(t *testing.T, program ipctest.Program, meet meeting) {
	p := ipctest.StartCommand(t, program())
	conn := meet(t, p, ipctest.UniqueName(), "InOut", nil)
	end := make(chan error)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		end <- err
	}()
	do(t, p, "a close")
	if err := <-end; err != io.EOF {
		t.Errorf("Read that waited: %v, want EOF", err)
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write: %v, want io.ErrClosedPipe", err)
	}
}

func testPeerClosesUnread(t *testing.T, program ipctest.Program, meet meeting) {
	p := ipctest.StartCommand(t, program())
	conn := meet(t, p, ipctest.UniqueName(), "InOut", nil)
	say(t, conn, "it is not read")
	do(t, p, "a line goodbye", "a close")
	in := bufio.NewReader(conn)
	hear(t, in, "goodbye")
	lost(t, conn)
}

func testPeerOnlyReads(t *testing.T, program ipctest.Program, meet meeting) {
	p := ipctest.StartCommand(t, program())
	conn := meet(t, p, ipctest.UniqueName(), "In", nil) // we did not say Out
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("Read: %d, %v, want EOF at once", n, err)
	}
	say(t, conn, "one way")
	expect(t, p, "a readline", "line one way")
}

func testPeerWritesAgainstUs(t *testing.T, program ipctest.Program, meet meeting) {
	p := ipctest.StartCommand(t, program())
	meet(t, p, ipctest.UniqueName(), "InOut", &Config{Direction: Out})
	p.Say("a line no")
	expectPrefix(t, p, "error: ")
}

func testPeerWithoutMessages(t *testing.T, program ipctest.Program, meet meeting) {
	p := ipctest.StartCommand(t, program())
	conn := meet(t, p, ipctest.UniqueName(), "InOut", &Config{Message: true})
	do(t, p, "a line hello")
	if _, err := conn.Read(make([]byte, 100)); !errors.Is(err, breezeway.ErrMismatch) {
		t.Errorf("%v, want ErrMismatch", err)
	}
}

func testPeerDrain(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	conn := meetServer(t, p, ipctest.UniqueName(), "InOut", nil)
	payload(t, conn, 1000)
	if err := drainFor(conn, 20*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before the peer reads: %v, want the context's end", err)
	}
	do(t, p, "a take 1000")
	if err := drainFor(conn, ipctest.Patience); err != nil {
		t.Errorf("after it has read: %v", err)
	}
}

func testPeerLive(t *testing.T, program ipctest.Program) {
	name, p := ipctest.UniqueName(), ipctest.StartCommand(t, program())
	listenThere(t, p, "a", name, "InOut")
	if l, err := Listen(name, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("Listen on their name: %v, %v, want os.ErrExist", l, err)
	}
	conn := dialFor(t, p, name) // we left it alone
	do(t, p, "a accept")
	tells(t, p, "a", "still here", bufio.NewReader(conn))
}

// testShownClient runs a client that docs/interop.md shows.
func testShownClient(t *testing.T, program ipctest.Program) {
	l := listenFor(t, ipctest.UniqueName(), nil)
	p := ipctest.StartCommand(t, program(l.name))
	conn, err := l.AcceptContext(patient(t)) // of a child of p, if that is a shell
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hear(t, bufio.NewReader(conn), "hello")
	say(t, conn, "welcome")
	closeGently(t, conn)
	p.Expect("welcome")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// closeGently closes conn when the peer has read everything: Windows forgets what it has
// not.
func closeGently(t *testing.T, conn *Conn) {
	t.Helper()
	if err := drainFor(conn, ipctest.Patience); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// testShownServer runs a server that docs/interop.md shows.
func testShownServer(t *testing.T, program ipctest.Program) {
	name := ipctest.UniqueName()
	release := ipctest.OwnPipe(t, name, "InOut", false)
	p := ipctest.StartCommand(t, program(name))
	for _, line := range []string{"go", "안녕하세요", "stop"} {
		conn, err := DialWait(patient(t), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		release()
		say(t, conn, line)
		hear(t, bufio.NewReader(conn), "got "+line)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// meetServer connects to the peer, which listens. We may come first.
func meetServer(t *testing.T, p *ipctest.Process, name, direction string, cfg *Config) *Conn {
	t.Helper()
	type result struct {
		conn *Conn
		err  error
	}
	dialled := make(chan result, 1)
	ctx := patient(t)
	release := ipctest.OwnPipe(t, name, direction, false)
	go func() {
		conn, err := DialWait(ctx, name, cfg)
		dialled <- result{conn, err}
	}()
	do(t, p, "a listen "+name+" "+direction)
	release()
	r := <-dialled
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { r.conn.Close() })
	checkPeer(t, r.conn, p)
	do(t, p, "a accept")
	return r.conn
}

// listenThere has the peer listen with the stream called id, before we come.
func listenThere(t *testing.T, p *ipctest.Process, id, name, direction string) {
	t.Helper()
	release := ipctest.OwnPipe(t, name, direction, false)
	do(t, p, id+" listen "+name+" "+direction)
	release()
}

// meetClient lets the peer connect to us.
func meetClient(t *testing.T, p *ipctest.Process, name, direction string, cfg *Config) *Conn {
	t.Helper()
	l := listenFor(t, name, cfg)
	do(t, p, "a connect "+name+" "+direction)
	return accept(t, l, p)
}

func listenFor(t *testing.T, name string, cfg *Config) *Listener {
	t.Helper()
	l, err := Listen(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// dialFor connects to p, which listens already.
func dialFor(t *testing.T, p *ipctest.Process, name string) *Conn {
	t.Helper()
	conn, err := Dial(patient(t), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	checkPeer(t, conn, p)
	return conn
}

func accept(t *testing.T, l *Listener, p *ipctest.Process) *Conn {
	t.Helper()
	conn, err := l.AcceptContext(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	checkPeer(t, conn, p)
	return conn
}

func checkPeer(t *testing.T, conn *Conn, p *ipctest.Process) {
	t.Helper()
	peer := conn.Peer()
	if peer.UID != os.Geteuid() || peer.PID != p.Cmd.Process.Pid && !ipctest.UnderWine() { // Wine doesn't tell
		t.Errorf("the peer is %v, want pid %d of uid %d", peer, p.Cmd.Process.Pid, os.Geteuid())
	}
}

// converse exchanges lines, then a mebibyte, then the end, each way that the
// peer's direction allows.
func converse(t *testing.T, conn *Conn, p *ipctest.Process, theirs string) {
	t.Helper()
	const size = 1 << 20
	in := bufio.NewReader(conn)
	theyRead, theyWrite := theirs != "Out", theirs != "In"
	lines := []string{"Grüße, 世界", "안녕하세요", "third line"}
	if theyRead {
		for _, line := range lines {
			p.Say("a readline")
			say(t, conn, line)
			p.Expect("line " + line)
		}
	}
	if theyWrite {
		for _, line := range lines {
			tells(t, p, "a", line, in)
		}
	}
	if theyRead {
		p.Say("a take 1048576")
		payload(t, conn, size)
		p.Expect("ok")
	}
	if theyWrite {
		p.Say("a send 1048576")
		got := make([]byte, size)
		if _, err := io.ReadFull(in, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, peerPattern(size)) {
			t.Error("what came is not what the peer sent")
		}
		p.Expect("ok")
	}
	end := conn.Close
	if theyWrite {
		end = conn.CloseWrite
	}
	if theyRead && (!theyWrite || canHalfClose) {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		expect(t, p, "a readline", "end")
	}
	if theyWrite {
		tells(t, p, "a", "last", in)
		do(t, p, "a close")
		if _, err := in.ReadByte(); err != io.EOF {
			t.Errorf("after the peer closed: %v, want EOF", err)
		}
	}
}

// lost checks every way to learn that the peer closed without having read all.
func lost(t *testing.T, conn *Conn) {
	t.Helper()
	buf := make([]byte, 1)
	if err := drainFor(conn, ipctest.Patience); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Drain: %v, want io.ErrClosedPipe", err)
	}
	if _, err := conn.Read(buf); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read: %v, want ECONNRESET", err)
	}
	if _, err := conn.Read(buf); err != io.EOF {
		t.Errorf("second Read: %v, want EOF", err)
	}
	if err := drainFor(conn, ipctest.Patience); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Drain after Read has reported the reset: %v, want io.ErrClosedPipe", err)
	}
	if _, err := conn.Write(buf); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write: %v, want io.ErrClosedPipe", err)
	}
}

func drainFor(conn *Conn, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return conn.Drain(ctx)
}

func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// do has the peer do something that succeeds.
func do(t *testing.T, p *ipctest.Process, commands ...string) {
	t.Helper()
	for _, c := range commands {
		expect(t, p, c, "ok")
	}
}

func expect(t *testing.T, p *ipctest.Process, command, answer string) {
	t.Helper()
	p.Say(command)
	if got := p.Hear(); got != answer {
		t.Fatalf("%s: the peer said %q, want %q", command, got, answer)
	}
}

func expectPrefix(t *testing.T, p *ipctest.Process, prefix string) {
	t.Helper()
	if got := p.Hear(); !strings.HasPrefix(got, prefix) {
		t.Fatalf("the peer said %q, want %q and more", got, prefix)
	}
}

func say(t *testing.T, conn *Conn, line string) {
	t.Helper()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

// tells has the peer write a line to us. It may wait until we read: on Windows the pipe of
// a .NET server has no buffer.
func tells(t *testing.T, p *ipctest.Process, id, line string, in *bufio.Reader) {
	t.Helper()
	p.Say(id + " line " + line)
	hear(t, in, line)
	p.Expect("ok")
}

// canHalfClose says whether one direction of a connection can be closed.
const canHalfClose = runtime.GOOS != "windows"

// newline is how the peer ends its lines.
func newline() string {
	if runtime.GOOS == "windows" {
		return "\r\n"
	}
	return "\n"
}

func hear(t *testing.T, in *bufio.Reader, want string) {
	t.Helper()
	if got, err := in.ReadString('\n'); err != nil || got != want+newline() {
		t.Fatalf("heard %q, %v, want %q", got, err, want)
	}
}

func payload(t *testing.T, conn *Conn, size int) {
	t.Helper()
	if _, err := conn.Write(peerPattern(size)); err != nil {
		t.Fatal(err)
	}
}

// peerPattern is what the peers send and expect.
func peerPattern(size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(i % 251)
	}
	return p
}
