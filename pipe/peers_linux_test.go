package pipe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// What docs/interop.md says of programs in other languages is shown here with
// real ones. testdata/peer.cs and peer.py do what a test tells them, line by
// line; the other files there are the programs that the document shows.

func TestDotNet(t *testing.T) {
	program := ipctest.CSharp(t, "testdata/peer.cs")
	testPeer(t, program)

	t.Run("CurrentUserOnly", func(t *testing.T) {
		l, p := listenFor(t, ipctest.UniqueName(), nil), ipctest.StartCommand(t, program())
		do(t, p, "a connect-own "+l.name+" InOut")
	})
	t.Run("byte order mark", func(t *testing.T) {
		p := ipctest.StartCommand(t, program())
		conn := meetClient(t, p, ipctest.UniqueName(), "Out", nil)
		do(t, p, "a line-with-mark hello")
		hear(t, bufio.NewReader(conn), "\ufeffhello")
	})
	t.Run("message mode", func(t *testing.T) {
		p := ipctest.StartCommand(t, program())
		p.Say("a listen-messages " + ipctest.UniqueName() + " InOut")
		expectPrefix(t, p, "error: PlatformNotSupportedException")
	})
	t.Run("other names", func(t *testing.T) {
		name, p := ipctest.UniqueName()+"+@ü", ipctest.StartCommand(t, program())
		do(t, p, "a listen "+name+" InOut")
		dialFor(t, p, filepath.Join(os.TempDir(), "CoreFxPipe_"+name))
	})
	t.Run("removes files", func(t *testing.T) {
		path, p := filepath.Join(t.TempDir(), "precious"), ipctest.StartCommand(t, program())
		if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
			t.Fatal(err)
		}
		do(t, p, "a listen "+path+" InOut")
		dialFor(t, p, path)
	})
	t.Run("steals", func(t *testing.T) { testDotNetSteals(t, program) })
	t.Run("drops", func(t *testing.T) { testDotNetDrops(t, program) })
	t.Run("keeps", func(t *testing.T) { testDotNetKeeps(t, program) })
	t.Run("stale", func(t *testing.T) {
		name, p := ipctest.UniqueName(), ipctest.StartCommand(t, program())
		do(t, p, "a listen "+name+" InOut")
		p.Kill()
		listenFor(t, name, nil)
	})
}

func TestPython(t *testing.T) {
	program := ipctest.Python(t, "testdata/peer.py")
	testPeer(t, program)

	t.Run("half close", func(t *testing.T) {
		p := ipctest.StartCommand(t, program())
		conn := meetServer(t, p, ipctest.UniqueName(), "InOut", nil)
		do(t, p, "a line question", "a half-close")
		if got, err := io.ReadAll(conn); err != nil || string(got) != "question\n" {
			t.Fatalf("read %q, %v", got, err)
		}
		say(t, conn, "answer")
		expect(t, p, "a readline", "line answer")
	})
	t.Run("no theft", func(t *testing.T) {
		l, p := listenFor(t, ipctest.UniqueName(), nil), ipctest.StartCommand(t, program())
		p.Say("a listen " + l.name + " InOut")
		expectPrefix(t, p, "error: OSError: [Errno 98]")
		do(t, p, "b connect "+l.name+" InOut") // still reaches us
		accept(t, l, p)
	})
}

// testPeer runs what holds for every peer.
func testPeer(t *testing.T, program ipctest.Program) {
	meetings := map[string]func(*testing.T, *ipctest.Process, string, string, *Config) *Conn{
		"server": meetServer, "client": meetClient,
	}
	directions := []struct {
		theirs string
		ours   Direction
	}{{"In", Out}, {"Out", In}, {"InOut", Duplex}}

	for role, meet := range meetings {
		for _, d := range directions {
			for _, where := range []string{"name", "path"} {
				t.Run(role+"/"+d.theirs+"/"+where, func(t *testing.T) {
					name := ipctest.UniqueName()
					if where == "path" {
						name = filepath.Join(t.TempDir(), "chat.sock")
					}
					p := ipctest.StartCommand(t, program())
					conn := meet(t, p, name, d.theirs, &Config{Direction: d.ours})
					converse(t, conn, p, d.theirs)
				})
			}
		}
		t.Run(role+"/closes", func(t *testing.T) {
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
		})
		t.Run(role+"/closes unread", func(t *testing.T) {
			p := ipctest.StartCommand(t, program())
			conn := meet(t, p, ipctest.UniqueName(), "InOut", nil)
			say(t, conn, "nobody reads this")
			do(t, p, "a line goodbye", "a close")
			in := bufio.NewReader(conn)
			hear(t, in, "goodbye")
			lost(t, conn)
		})
		t.Run(role+"/only reads", func(t *testing.T) {
			p := ipctest.StartCommand(t, program())
			conn := meet(t, p, ipctest.UniqueName(), "In", nil) // we did not say Out
			if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("Read: %d, %v, want EOF at once", n, err)
			}
			say(t, conn, "one way")
			expect(t, p, "a readline", "line one way")
		})
		t.Run(role+"/writes against us", func(t *testing.T) {
			p := ipctest.StartCommand(t, program())
			meet(t, p, ipctest.UniqueName(), "InOut", &Config{Direction: Out})
			p.Say("a line no")
			expectPrefix(t, p, "error: ")
		})
		t.Run(role+"/messages", func(t *testing.T) {
			p := ipctest.StartCommand(t, program())
			conn := meet(t, p, ipctest.UniqueName(), "InOut", &Config{Message: true})
			do(t, p, "a line hello")
			if _, err := conn.Read(make([]byte, 100)); !errors.Is(err, breezeway.ErrMismatch) {
				t.Errorf("%v, want ErrMismatch", err)
			}
		})
	}

	t.Run("Drain", func(t *testing.T) {
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
	})
	t.Run("live", func(t *testing.T) {
		name, p := ipctest.UniqueName(), ipctest.StartCommand(t, program())
		do(t, p, "a listen "+name+" InOut")
		if l, err := Listen(name, nil); !errors.Is(err, os.ErrExist) {
			t.Errorf("Listen on their name: %v, %v, want os.ErrExist", l, err)
		}
		conn := dialFor(t, p, name) // we left it alone
		do(t, p, "a accept", "a line still here")
		hear(t, bufio.NewReader(conn), "still here")
	})
}

// testDotNetSteals: .NET removes whatever has its path, then binds.
func testDotNetSteals(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	l := listenFor(t, ipctest.UniqueName(), nil)
	do(t, p, "early connect "+l.name+" InOut")
	early := accept(t, l, p)

	do(t, p, "thief listen "+l.name+" InOut")
	accepted := make(chan error)
	go func() {
		_, err := l.AcceptContext(context.Background())
		accepted <- err
	}()
	dialFor(t, p, l.name) // reaches the thief
	do(t, p, "thief accept")
	say(t, early, "goes on") // accepted connections are not concerned
	expect(t, p, "early readline", "line goes on")

	if again, err := Listen(l.name, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("Listen on the stolen name: %v, %v, want os.ErrExist", again, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v, want it to wait for Close", err)
	}
	dialFor(t, p, l.name) // Close has not removed the thief's socket
	do(t, p, "thief close")
	listenFor(t, l.name, nil)
}

// testDotNetDrops: a server that makes one stream per client, and disposes it
// before it makes the next, drops every client that has connected meanwhile.
func testDotNetDrops(t *testing.T, program ipctest.Program) {
	name, p := ipctest.UniqueName(), ipctest.StartCommand(t, program())
	do(t, p, "a listen "+name+" InOut")
	first := dialFor(t, p, name)
	do(t, p, "a accept")
	second := dialFor(t, p, name)
	say(t, first, "first")
	say(t, second, "second") // succeeds, and says nothing about the server
	expect(t, p, "a readline", "line first")

	if err := drainFor(second, 20*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain while the server might still read: %v, want the context's end", err)
	}
	do(t, p, "a close")
	lost(t, second)
	if err := drainFor(first, ipctest.Patience); err != nil {
		t.Errorf("Drain of what was read: %v", err)
	}
	if _, err := first.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read from the server that has read all: %v, want EOF", err)
	}
	do(t, p, "b listen "+name+" InOut")
	third := dialFor(t, p, name)
	say(t, third, "second again")
	do(t, p, "b accept")
	expect(t, p, "b readline", "line second again")
}

// testDotNetKeeps: the way out on their side is to make the next stream first.
func testDotNetKeeps(t *testing.T, program ipctest.Program) {
	name, p := ipctest.UniqueName(), ipctest.StartCommand(t, program())
	do(t, p, "a listen "+name+" InOut")
	first := dialFor(t, p, name)
	do(t, p, "a accept")
	second := dialFor(t, p, name)
	say(t, second, "second")
	say(t, first, "first")
	expect(t, p, "a readline", "line first")
	do(t, p, "b listen "+name+" InOut", "a close", "b accept")
	expect(t, p, "b readline", "line second")
	if err := drainFor(second, ipctest.Patience); err != nil {
		t.Error(err)
	}
}

// TestInteropPrograms runs the programs that docs/interop.md shows, and checks
// that it shows these.
func TestInteropPrograms(t *testing.T) {
	document, err := os.ReadFile("../docs/interop.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := func(t *testing.T, source string) string {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(document, append([]byte("\n"), text...)) {
			t.Errorf("docs/interop.md does not show %s as it is", source)
		}
		return source
	}
	client := func(program func(t *testing.T) ipctest.Program) func(t *testing.T) {
		return func(t *testing.T) {
			l := listenFor(t, ipctest.UniqueName(), nil)
			p := ipctest.StartCommand(t, program(t)(l.name))
			conn, err := l.AcceptContext(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			hear(t, bufio.NewReader(conn), "hello")
			say(t, conn, "welcome")
			conn.Close()
			p.Expect("welcome")
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
		}
	}
	server := func(program func(t *testing.T) ipctest.Program) func(t *testing.T) {
		return func(t *testing.T) {
			name := ipctest.UniqueName()
			p := ipctest.StartCommand(t, program(t)(name))
			for _, line := range []string{"go", "stop"} {
				conn, err := DialWait(patient(t), name, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				say(t, conn, line)
				hear(t, bufio.NewReader(conn), "got "+line)
			}
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
		}
	}
	csharp := func(source string) func(*testing.T) ipctest.Program {
		return func(t *testing.T) ipctest.Program { return ipctest.CSharp(t, shown(t, source)) }
	}
	everyPython := func(source string, run func(func(*testing.T) ipctest.Program) func(*testing.T)) func(*testing.T) {
		const least = 6 // Python 3.6
		return func(t *testing.T) {
			for python, program := range ipctest.Pythons(t, least, shown(t, source)) {
				t.Run(filepath.Base(filepath.Dir(filepath.Dir(python))), run(func(*testing.T) ipctest.Program { return program }))
			}
		}
	}
	t.Run("C# client", client(csharp("testdata/client.cs")))
	t.Run("C# server", server(csharp("testdata/server.cs")))
	t.Run("Python client", everyPython("testdata/client.py", client))
	t.Run("Python server", everyPython("testdata/server.py", server))
	t.Run("C client", client(func(t *testing.T) ipctest.Program {
		return ipctest.C(t, shown(t, "testdata/client.c"))
	}))
	t.Run("shell client", client(func(t *testing.T) ipctest.Program {
		return ipctest.Shell(t, shown(t, "testdata/client.sh"), "socat")
	}))
}

// meetServer connects to the peer, which listens. We may come first.
func meetServer(t *testing.T, p *ipctest.Process, name, direction string, cfg *Config) *Conn {
	t.Helper()
	type result struct {
		conn *Conn
		err  error
	}
	dialled := make(chan result)
	ctx := patient(t)
	go func() {
		conn, err := DialWait(ctx, name, cfg)
		dialled <- result{conn, err}
	}()
	p.Say("a listen " + name + " " + direction)
	answer := p.Hear()
	r := <-dialled
	if r.err != nil {
		t.Fatalf("%v; the peer said %q", r.err, answer)
	}
	t.Cleanup(func() { r.conn.Close() })
	checkPeer(t, r.conn, p)
	do(t, p, "a accept")
	return r.conn
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
	if peer := conn.Peer(); peer.PID != p.Cmd.Process.Pid || peer.UID != os.Geteuid() {
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
	if theyRead {
		say(t, conn, "Grüße, 世界")
		say(t, conn, "second line")
		expect(t, p, "a readline", "line Grüße, 世界")
		expect(t, p, "a readline", "line second line")
	}
	if theyWrite {
		do(t, p, "a line Grüße zurück", "a line noch eine")
		hear(t, in, "Grüße zurück")
		hear(t, in, "noch eine")
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
	if theyRead {
		end := conn.Close
		if theyWrite {
			end = conn.CloseWrite
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		expect(t, p, "a readline", "end")
	}
	if theyWrite {
		do(t, p, "a line last", "a close")
		hear(t, in, "last")
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
	if _, err := conn.Read(buf); !errors.Is(err, unix.ECONNRESET) {
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

func hear(t *testing.T, in *bufio.Reader, want string) {
	t.Helper()
	if got, err := in.ReadString('\n'); err != nil || got != want+"\n" {
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
