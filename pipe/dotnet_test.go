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
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func TestDotNet(t *testing.T) {
	const (
		isSocket   = "there the name isn't a file that a server replaces"
		oneStream  = "there a client connects to one stream, not to the name"
		noMessages = ".NET has message mode on Windows alone"
		noHandles  = "mono passes no descriptors on to a child, and opens none"
	)
	onlyWindows := map[ipctest.Runtime]string{ipctest.Mono: noMessages, ipctest.NETOnLinux: noMessages}
	notMono := map[ipctest.Runtime]string{ipctest.Mono: noHandles}
	ipctest.TestCSharp(t, "testdata/peer.cs", append(peerTests(),
		ipctest.PeerTest{Name: "CurrentUserOnly", Run: testDotNetCurrentUserOnly, Not: notWindows("these tests may run elevated, where .NET wants the pipe to be the Administrators'")},
		ipctest.PeerTest{Name: "byte order mark", Run: testDotNetMark},
		ipctest.PeerTest{Name: "stale", Run: testDotNetStale},
		ipctest.PeerTest{Name: "message mode/server", Run: testDotNetMessageServer, Not: onlyWindows},
		ipctest.PeerTest{Name: "message mode/client", Run: testDotNetMessageClient, Not: onlyWindows},
		ipctest.PeerTest{Name: "no message mode", Run: testDotNetNoMessages, Not: notWindows("it has message mode")},
		ipctest.PeerTest{Name: "anonymous/child", Run: testDotNetInherits, Not: notMono},
		ipctest.PeerTest{Name: "anonymous/parent", Run: testDotNetPassesOn, Not: notMono},
		ipctest.PeerTest{Name: "other names", Run: testDotNetOtherNames, Not: notWindows("every name is portable there")},
		ipctest.PeerTest{Name: "removes files", Run: testDotNetRemovesFiles, Not: notWindows(isSocket)},
		ipctest.PeerTest{Name: "steals", Run: testDotNetSteals, Not: notWindows(isSocket)},
		ipctest.PeerTest{Name: "drops", Run: testDotNetDrops, Not: notWindows(oneStream)},
		ipctest.PeerTest{Name: "keeps", Run: testDotNetKeeps, Not: notWindows(oneStream)},
	)...)
}

// TestInteropCSharp runs the C# programs that docs/interop.md shows.
func TestInteropCSharp(t *testing.T) {
	ipctest.TestCSharp(t, "testdata/client.cs", ipctest.PeerTest{Name: "client", Run: testShownClient})
	ipctest.TestCSharp(t, "testdata/server.cs", ipctest.PeerTest{Name: "server", Run: testShownServer})
}

func testDotNetCurrentUserOnly(t *testing.T, program ipctest.Program) {
	l, p := listenFor(t, ipctest.UniqueName(), nil), ipctest.StartCommand(t, program())
	do(t, p, "a connect-own "+l.name+" InOut")
	accept(t, l, p)
}

func testDotNetMark(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	conn := meetClient(t, p, ipctest.UniqueName(), "Out", nil)
	do(t, p, "a line-with-mark hello")
	hear(t, bufio.NewReader(conn), "\ufeffhello")
}

func testDotNetStale(t *testing.T, program ipctest.Program) {
	name, p := ipctest.UniqueName(), ipctest.StartCommand(t, program())
	listenThere(t, p, "a", name, "InOut")
	p.Kill()
	listenFor(t, name, nil)
}

func testDotNetMessageServer(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	name := ipctest.UniqueName()
	release := ipctest.OwnPipe(t, name, "InOut", true)
	do(t, p, "a listen-messages "+name+" InOut")
	release()
	conn, err := Dial(patient(t), name, &Config{Message: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	checkPeer(t, conn, p)
	do(t, p, "a accept")
	exchangeMessages(t, conn, p)
}

func testDotNetMessageClient(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	l := listenFor(t, ipctest.UniqueName(), &Config{Message: true})
	do(t, p, "a connect "+l.name+" InOut", "a by-message")
	exchangeMessages(t, accept(t, l, p), p)
}

// exchangeMessages sends messages of several sizes each way, then ends.
func exchangeMessages(t *testing.T, conn *Conn, p *ipctest.Process) {
	t.Helper()
	const large = 70_000
	texts := []string{"hello", "안녕하세요"}
	for _, text := range texts {
		p.Say("a message")
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		p.Expect("message " + text)
	}
	p.Say("a take 70000")
	payload(t, conn, large)
	p.Expect("ok")

	buf := make([]byte, large+1)
	wantMessage := func(command string, want []byte) {
		t.Helper()
		p.Say(command)
		if n, err := conn.Read(buf); err != nil || !bytes.Equal(buf[:n], want) {
			t.Errorf("read %d bytes, %v, want a message of %d", n, err, len(want))
		}
		p.Expect("ok")
	}
	for _, text := range texts {
		wantMessage("a text "+text, []byte(text))
	}
	wantMessage("a send 70000", peerPattern(large))
	do(t, p, "a close")
	if n, err := conn.Read(buf); err != io.EOF {
		t.Errorf("after the peer closed: %d, %v, want EOF", n, err)
	}
}

func testDotNetNoMessages(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	p.Say("a listen-messages " + ipctest.UniqueName() + " InOut")
	expectPrefix(t, p, "error: PlatformNotSupportedException")
}

// testDotNetInherits: a C# child reads and writes pipes of its parent's.
func testDotNetInherits(t *testing.T, program ipctest.Program) {
	r, theirOut := newPair(t, &Config{Direction: In})
	theirIn, w := newPair(t, &Config{Direction: Out})
	cmd := program()
	in, err := Inherit(cmd, theirIn)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Inherit(cmd, theirOut)
	if err != nil {
		t.Fatal(err)
	}
	p := ipctest.StartCommand(t, cmd)
	theirIn.Close()
	theirOut.Close()
	do(t, p, "in inherit "+in+" In", "out inherit "+out+" Out")
	if _, err := io.WriteString(w, "안녕하세요\n"); err != nil {
		t.Fatal(err)
	}
	expect(t, p, "in readline", "line 안녕하세요")
	w.Close()
	expect(t, p, "in readline", "end")

	do(t, p, "out line hello")
	p.Say("out send 70000")
	p.Say("out close")
	got, err := io.ReadAll(r)
	if want := append([]byte("hello"+newline()), peerPattern(70_000)...); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v, want %d", len(got), err, len(want))
	}
	p.Expect("ok")
	p.Expect("ok")
}

// testDotNetPassesOn: a C# parent reads what its Go child writes, and the reverse.
func testDotNetPassesOn(t *testing.T, program ipctest.Program) {
	child := ipctest.HelperCommand(t, inheritor)
	run := program()
	run.Env = append(run.Env, child.Env...)
	p := ipctest.StartCommand(t, run)
	do(t, p, "in parent In "+child.Path+" write")
	do(t, p, "in take-text 100000 breezeway")
	expect(t, p, "in readline", "end")
	do(t, p, "out parent Out "+child.Path+" read", "out text 안녕하세요", "out close")
	expect(t, p, "out child", "line 안녕하세요")
}

func testDotNetOtherNames(t *testing.T, program ipctest.Program) {
	name, p := ipctest.UniqueName()+"+@ü", ipctest.StartCommand(t, program())
	listenThere(t, p, "a", name, "InOut")
	dialFor(t, p, filepath.Join(os.TempDir(), "CoreFxPipe_"+name))
}

func testDotNetRemovesFiles(t *testing.T, program ipctest.Program) {
	path, p := filepath.Join(t.TempDir(), "precious"), ipctest.StartCommand(t, program())
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	listenThere(t, p, "a", path, "InOut")
	dialFor(t, p, path)
}

// testDotNetSteals: .NET removes whatever has its path, then binds. Our listener says so.
func testDotNetSteals(t *testing.T, program ipctest.Program) {
	p := ipctest.StartCommand(t, program())
	// Compiled before it matters how much time is between removal and bind.
	listenThere(t, p, "practice", ipctest.UniqueName(), "InOut")
	do(t, p, "practice close")
	l := listenFor(t, ipctest.UniqueName(), nil)
	do(t, p, "early connect "+l.name+" InOut")
	early := accept(t, l, p)

	listenThere(t, p, "thief", l.name, "InOut")
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
	if err := <-accepted; !errors.Is(err, os.ErrExist) {
		t.Errorf("Accept: %v, want os.ErrExist", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	dialFor(t, p, l.name) // Close has not removed the thief's socket
	do(t, p, "thief close")
	listenFor(t, l.name, nil)
}

// testDotNetDrops: a server that makes one stream per client, and disposes it
// before it makes the next, drops every client that has connected meanwhile.
func testDotNetDrops(t *testing.T, program ipctest.Program) {
	name, p := ipctest.UniqueName(), ipctest.StartCommand(t, program())
	listenThere(t, p, "a", name, "InOut")
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
	listenThere(t, p, "b", name, "InOut")
	third := dialFor(t, p, name)
	say(t, third, "second again")
	do(t, p, "b accept")
	expect(t, p, "b readline", "line second again")
}

// testDotNetKeeps: the way out on their side is to make the next stream first.
func testDotNetKeeps(t *testing.T, program ipctest.Program) {
	name, p := ipctest.UniqueName(), ipctest.StartCommand(t, program())
	listenThere(t, p, "a", name, "InOut")
	first := dialFor(t, p, name)
	do(t, p, "a accept")
	second := dialFor(t, p, name)
	say(t, second, "second")
	say(t, first, "first")
	expect(t, p, "a readline", "line first")
	listenThere(t, p, "b", name, "InOut")
	do(t, p, "a close", "b accept")
	expect(t, p, "b readline", "line second")
	if err := drainFor(second, ipctest.Patience); err != nil {
		t.Error(err)
	}
}
