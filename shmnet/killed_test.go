//go:build linux || windows

package shmnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// noticeBound is how long after the kernel's release of a dead process its peer may
// take to fail.
const noticeBound = 100 * time.Millisecond

// victim dials Args[0] and does with the connection what the other arguments say, until
// it is killed.
var victim = ipctest.Helper("victim", func(c *ipctest.Control) error {
	conn, err := Dial(context.Background(), c.Args[0], nil)
	if err != nil {
		return err
	}
	c.Say("connected")
	return toil(conn, c.Args[1:])
})

// victimServer is the same at the server's end.
var victimServer = ipctest.Helper("victim server", func(c *ipctest.Control) error {
	l, err := Listen(c.Args[0], nil)
	if err != nil {
		return err
	}
	c.Say("listening")
	conn, err := l.AcceptContext(context.Background())
	if err != nil {
		return err
	}
	return toil(conn, c.Args[1:])
})

// toil does with a connection what the words say.
func toil(conn *Conn, words []string) error {
	failed := make(chan error)
	for _, what := range words {
		switch what {
		case "send":
			go func() { failed <- sendPattern(conn) }()
		case "receive":
			go func() { failed <- checkPattern(conn) }()
		}
	}
	return <-failed
}

// TestPeerKilled kills a client in mid-transfer, or idle, at random moments. The server
// gets an error in time, and has read a prefix of what was sent.
func TestPeerKilled(t *testing.T) {
	for _, does := range [][]string{{"send"}, {"receive"}, {"send", "receive"}, {}} {
		t.Run(fmt.Sprint(does), func(t *testing.T) {
			name := ipctest.UniqueName()
			l := mustListen(t, name, &Config{BufferSize: 64 << 10})
			for range ipctest.Count(1000) {
				killOne(t, l, append([]string{name}, does...))
			}
		})
	}
}

func killOne(t *testing.T, l *Listener, args []string) {
	t.Helper()
	p := ipctest.Start(t, victim, args...)
	c := mustAccept(t, l)
	defer c.Close()
	p.Expect("connected")
	killInTransfer(t, p, c)
}

// TestServerKilled kills a server in mid-transfer: on Windows the two ends of a pipe
// differ.
func TestServerKilled(t *testing.T) {
	for range ipctest.Count(200) {
		name := ipctest.UniqueName()
		p := ipctest.Start(t, victimServer, name, "send", "receive")
		p.Expect("listening")
		c, err := Dial(context.Background(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		killInTransfer(t, p, c)
		c.Close()
		mustListen(t, name, nil).Close() // takes the name over, and gives it up
	}
}

// killInTransfer kills the process at the other end of c.
func killInTransfer(t *testing.T, p *ipctest.Process, c *Conn) {
	t.Helper()
	reading, writing := make(chan error, 1), make(chan error, 1)
	go func() { reading <- checkPattern(c) }()
	go func() { writing <- sendPattern(c) }()
	time.Sleep(rand.N(20 * time.Millisecond)) // a random moment is what is tested
	p.Kill()
	start := time.Now()
	if err := <-reading; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Read: %v", err)
	}
	if err := <-writing; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write: %v", err)
	}
	ipctest.WantSince(t, start, noticeBound)
}

// trickle yields a byte a millisecond until it ends.
type trickle struct{ until time.Time }

func (t trickle) Read(p []byte) (int, error) {
	if time.Now().After(t.until) {
		return 0, io.EOF
	}
	time.Sleep(time.Millisecond) // what a slow source is
	p[0] = 0
	return 1, nil
}

// TestCopyToAKilledPeer copies from a source so slow that the ring doesn't fill up.
func TestCopyToAKilledPeer(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	p := ipctest.Start(t, victim, name)
	c := mustAccept(t, l)
	p.Expect("connected")
	copying := make(chan error, 1)
	go func() {
		_, err := io.Copy(c, trickle{time.Now().Add(5 * time.Second)})
		copying <- err
	}()
	p.Kill()
	start := time.Now()
	if err := <-copying; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("io.Copy: %v", err)
	}
	ipctest.WantSince(t, start, noticeBound)
}

func mustListen(t testing.TB, name string, cfg *Config) *Listener {
	t.Helper()
	l, err := Listen(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustAccept(t testing.TB, l *Listener) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), ipctest.Patience)
	defer cancel()
	c, err := l.AcceptContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
