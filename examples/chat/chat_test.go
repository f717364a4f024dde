package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// Three members talk; one leaves, one is killed, and the server is ended by Ctrl-C.
func TestConversation(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room)
	ada := joining(t, server, room, "ada")
	bob := joining(t, server, room, "bob")
	ada.Expect("* bob has joined")
	eve := joining(t, server, room, "eve")
	allHear(t, "* eve has joined", ada, bob)

	ada.Say("hello, 안녕하세요")
	allHear(t, "<ada> hello, 안녕하세요", bob, eve)
	bob.Say("\x1b[31mred\x07")
	allHear(t, "<bob> \ufffd[31mred\ufffd", ada, eve)

	bob.Say(commandLeave)
	bob.Expect("* you have left")
	wantExit(t, bob, 0)
	allHear(t, "* bob has left", ada, eve)
	server.Expect("bob has left")

	eve.Kill()
	ada.Expect("* eve was lost")
	server.Expect("eve was lost")

	interrupt(t, server)
	ada.Expect("* the server closes the chat")
	wantExit(t, ada, 0)
	server.Expect("ada " + reasonClosing.Error())
	server.Expect("closed")
	wantExit(t, server, 0)
	serving(t, room)
}

func TestMemberLeavesByCtrlCAndEndOfInput(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room)
	ada, bob := joining(t, server, room, "ada"), joining(t, server, room, "bob")
	interrupt(t, ada)
	ada.Expect("* bob has joined")
	ada.Expect("* you have left")
	wantExit(t, ada, 0)
	bob.Expect("* ada has left")
	bob.CloseInput()
	bob.Expect("* you have left")
	wantExit(t, bob, 0)
}

func TestNameTaken(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room)
	ada := joining(t, server, room, "ada")
	second := ipctest.StartCommand(t, program(t, "join", room, "ada"))
	wantExit(t, second, exitError, "the name ada is taken")
	hearPrefix(t, server, "refused a client: ")

	ada.CloseInput()
	ada.Expect("* you have left")
	server.Expect("ada has left")
	joining(t, server, room, "ada")
}

// The member is alive, but hangs.
var silent = ipctest.Helper("silent", func(c *ipctest.Control) error {
	conn, err := pipe.Dial(context.Background(), c.Args[0], nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(conn, lineJoin, "mute")
	for in := newLines(conn, maxToClient); ; {
		word, rest, err := in.receive()
		if err != nil {
			return nil
		}
		c.Say("%s %s", word, rest)
	}
})

// timeout is what a member that lives can't miss, however busy the machine.
func timeout() string {
	if ipctest.Slow() {
		return "5s"
	}
	return "1s"
}

func TestSilentMemberTimesOut(t *testing.T) {
	t.Parallel()
	room := ipctest.UniqueName()
	server := serving(t, room, "-timeout", timeout())
	ada := joining(t, server, room, "ada")
	mute := ipctest.Start(t, silent, room)
	hearPrefix(t, mute, lineWelcome)
	ada.Expect("* mute has joined")
	hearPrefix(t, server, "mute joined")
	ada.Expect("* mute timed out")
	server.Expect("mute timed out")
	mute.Expect(lineBye + " " + string(reasonSilent))
	wantExit(t, mute, 0)
}

// A member that doesn't read is put out, and keeps none of the others waiting.
func TestSlowMember(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room)
	enter(t, room, "deaf")
	hearPrefix(t, server, "deaf joined")
	ada := enter(t, room, "ada")
	hearPrefix(t, server, "ada joined")
	for range 2 * outboxSize {
		write(t, ada, lineSay+" "+strings.Repeat("a", 4000)+"\n")
	}
	hear(t, ada, lineLeft, "deaf slow")
	server.Expect("deaf " + reasonSlow.Error())
}

// What is no line of the protocol puts out the client that sent it, and no other.
func TestForeignBytes(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room)
	ada := joining(t, server, room, "ada")
	long := strings.Repeat("x", maxToServer)
	for _, first := range []string{"GET / HTTP/1.1\r\n", "\x00\xff\xfe\n", "\n", "join\n", "join a b\n", "join " + long + "\n", long} {
		conn := dial(t, room)
		write(t, conn, first)
		hear(t, conn, lineRefused, "")
		hearPrefix(t, server, "refused a client: ")
	}
	for _, later := range []string{"shout hello\n", "\n", long} {
		conn := enter(t, room, "eve")
		hearPrefix(t, server, "eve joined")
		ada.Expect("* eve has joined")
		write(t, conn, later)
		hear(t, conn, lineBye, string(reasonGarbled))
		server.Expect("eve " + reasonGarbled.Error())
		ada.Expect("* eve " + reasonGarbled.Error())
	}
	half := enter(t, room, "half")
	ada.Expect("* half has joined")
	write(t, half, "say half a li")
	half.Close()
	ada.Expect("* half was lost")
}

func TestServerKilled(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room)
	ada := joining(t, server, room, "ada")
	server.Kill()
	wantExit(t, ada, exitError, "the server was lost")
	joining(t, serving(t, room), room, "ada")
}

func TestWhatGoesWrong(t *testing.T) {
	room := ipctest.UniqueName()
	serving(t, room)
	for _, test := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"serve", room}, exitError, "is served already"},
		{[]string{"join", room, "two words"}, exitError, "a name has letters"},
		{[]string{"join", "-wait", "20ms", ipctest.UniqueName(), "ada"}, exitError, "no server serves the room"},
		{[]string{"join", room, "two\nlines"}, exitError, "a name has letters"},
		{[]string{"join", room}, exitUsage, "comes ROOM NAME\n\nusage: "},
		{[]string{"serve", "-timeout", "0s", room}, exitUsage, "0s is less than 10ms\n\nusage: "},
		{[]string{"serve", "-bogus", room}, exitUsage, "-bogus\n\nusage: "},
		{[]string{"sing"}, exitUsage, "there is no \"sing\"\n\nusage: "},
		{nil, exitUsage, "say serve or join\n\nusage: "},
	} {
		t.Run(strings.Join(test.args[:min(len(test.args), 2)], " "), func(t *testing.T) {
			wantExit(t, ipctest.StartCommand(t, program(t, test.args...)), test.code, test.text)
		})
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "-h"}, {"join", "--help"}} {
		p := ipctest.StartCommand(t, program(t, args...))
		hearPrefix(t, p, "usage: chat serve")
		wantExit(t, p, 0)
	}
}

// A member that says much at once keeps those that read in the room.
func TestFlood(t *testing.T) {
	room := ipctest.UniqueName()
	server := serving(t, room)
	ada := joining(t, server, room, "ada")
	bob := enter(t, room, "bob")
	ada.Expect("* bob has joined")
	var flood strings.Builder
	for i := range 3 * outboxSize {
		fmt.Fprintf(&flood, "%s %d\n", lineSay, i)
	}
	flooding := make(chan error, 1)
	go func() {
		_, err := bob.Write([]byte(flood.String()))
		flooding <- err
	}()
	for i := range 3 * outboxSize {
		ada.Expect(fmt.Sprintf("<bob> %d", i))
	}
	if err := <-flooding; err != nil {
		t.Error(err)
	}
}

// What a member says reaches clients of every kind as text that can be shown.
func TestServerPassesOnWhatCanBeShown(t *testing.T) {
	room := ipctest.UniqueName()
	serving(t, room)
	ada, bob := enter(t, room, "ada"), enter(t, room, "bob")
	hear(t, ada, lineJoined, "bob")
	write(t, bob, lineSay+" a\tb \x1b[2J\x9b31m\x00\xff\u202e\n")
	hear(t, ada, lineSaid, "bob a b \ufffd[2J\ufffd31m\ufffd\ufffd\ufffd")
}

func TestEndlessLineNeedsNoMemory(t *testing.T) {
	in := bufio.NewReaderSize(strings.NewReader(strings.Repeat("x", 1<<20)+"\nnext\n"), 64)
	if line, complete, err := readLine(in); len(line) != 64 || complete || err != nil {
		t.Errorf("%d bytes, %v, %v", len(line), complete, err)
	}
	if line, complete, err := readLine(in); line != "next\n" || !complete || err != nil {
		t.Errorf("%q, %v, %v", line, complete, err)
	}
}

// A member that is too far behind is told why it has to go.
func TestLastLineHasRoom(t *testing.T) {
	m := newMember(t.Context(), nil, "ada", time.Second)
	for range outboxSize {
		m.post("said bob")
	}
	m.postLast(lineBye)
	close(m.outbox)
	last := ""
	for last = range m.outbox {
	}
	if last != lineBye {
		t.Errorf("the last line is %q", last)
	}
}

// Client.cs takes part as the others do.
func TestCSharpMember(t *testing.T) {
	t.Parallel()
	ipctest.TestCSharp(t, "Client.cs", ipctest.PeerTest{Name: "member", Run: testCSharpMember})
}

func testCSharpMember(t *testing.T, client ipctest.Program) {
	room := ipctest.UniqueName()
	server := serving(t, room, "-timeout", timeout())
	ada := joining(t, server, room, "ada")
	grace := ipctest.StartCommand(t, client(room, "grace"))
	grace.Expect("* you are grace")
	ada.Expect("* grace has joined")

	grace.Say("안녕하세요")
	ada.Expect("<grace> 안녕하세요")
	ada.Say("hello, grace")
	grace.Expect("<ada> hello, grace")
	wantExit(t, ipctest.StartCommand(t, client(room, "ada")), exitError)

	// It has to say that it is alive, or it would be gone by now.
	enter(t, room, "mute")
	allHear(t, "* mute has joined", ada)
	grace.Expect("* mute joined")
	ada.Expect("* mute timed out")
	grace.Expect("* mute is gone: silent")

	grace.CloseInput()
	grace.Expect("* bye: left")
	wantExit(t, grace, 0)
	ada.Expect("* grace has left")
}

func dial(t *testing.T, room string) *lines {
	t.Helper()
	conn, err := pipe.Dial(t.Context(), room, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(ipctest.Patience))
	return newLines(conn, maxToClient)
}

// enter joins the room from this process, and reads no further than the welcome.
func enter(t *testing.T, room, name string) *lines {
	t.Helper()
	l := dial(t, room)
	write(t, l, lineJoin+" "+name+"\n")
	hear(t, l, lineWelcome, "")
	return l
}

func write(t *testing.T, l *lines, text string) {
	t.Helper()
	if _, err := l.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// hear fails the test unless the next line is this one.
func hear(t *testing.T, l *lines, word, restPrefix string) {
	t.Helper()
	gotWord, rest, err := l.receive()
	if err != nil || gotWord != word || !strings.HasPrefix(rest, restPrefix) {
		t.Fatalf("heard %q %.60q, %v, want %q %q", gotWord, rest, err, word, restPrefix)
	}
}
