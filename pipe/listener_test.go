package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

func mustListen(t testing.TB, name string, cfg *Config) *Listener {
	t.Helper()
	l, err := Listen(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustDial(t testing.TB, name string, cfg *Config) *Conn {
	t.Helper()
	c, err := Dial(context.Background(), name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
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

// hastyClient connects, writes, closes and ends.
var hastyClient = ipctest.Helper("hasty client", func(c *ipctest.Control) error {
	conn, err := Dial(context.Background(), c.Args[0], nil)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "gone already"); err != nil {
		return err
	}
	return conn.Close()
})

func TestClientGoneBeforeAccept(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	if err := ipctest.Start(t, hastyClient, name).Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(mustAccept(t, l))
	if string(got) != "gone already" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSecondListen(t *testing.T) {
	name := ipctest.UniqueName()
	server := ipctest.Start(t, echoServer, name)
	server.Expect("listening")
	_, err := Listen(name, nil)
	if !errors.Is(err, os.ErrExist) {
		t.Errorf("while a server lives: %v", err)
	}
	// The attempt must not have disturbed it.
	c := mustDial(t, name, nil)
	echo(t, c, "still there")
	server.Kill()
	c.Close() // until then Windows keeps the name
	l, err := Listen(name, nil)
	if err != nil {
		t.Fatalf("after kill -9: %v", err)
	}
	l.Close()
}

func echo(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v; want %q", got, err, text)
	}
}

// racer tries to listen at the name it is told, says how that went, and stops
// when told to.
var racer = ipctest.Helper("racer", func(c *ipctest.Control) error {
	for {
		name := c.Hear()
		l, err := Listen(name, nil)
		switch {
		case err == nil:
			c.Say("won")
		case errors.Is(err, os.ErrExist):
			c.Say("lost")
		default:
			c.Say("%v", err)
		}
		c.Hear()
		if l != nil {
			l.Close()
		}
		c.Say("stopped")
	}
})

func TestRaceToTakeOver(t *testing.T) {
	name := ipctest.UniqueName()
	racers := []*ipctest.Process{ipctest.Start(t, racer), ipctest.Start(t, racer)}
	for round := range ipctest.Count(1000) {
		leaveStale(t, name)
		for _, r := range racers {
			r.Say(name)
		}
		got := racers[0].Hear() + " " + racers[1].Hear()
		if got != "won lost" && got != "lost won" {
			t.Fatalf("round %d: %s", round, got)
		}
		for _, r := range racers {
			r.Say("stop")
		}
		for _, r := range racers {
			r.Expect("stopped")
		}
	}
}

func TestMaxConns(t *testing.T) {
	name := ipctest.UniqueName()
	l := mustListen(t, name, &Config{MaxConns: 2})
	var clients [5]*Conn
	var dialing sync.WaitGroup
	for i := range clients {
		connect := func() {
			c, err := Dial(context.Background(), name, nil)
			if err != nil {
				t.Error(err)
				return
			}
			clients[i] = c
			fmt.Fprintf(c, "%d", i)
		}
		if connectsInOrder {
			connect()
		} else {
			dialing.Go(connect) // some wait until the server has room
		}
	}
	var served []*Conn
	seen := map[string]bool{}
	for i := range clients {
		if i >= 2 {
			l.SetDeadline(time.Now().Add(20 * time.Millisecond))
			if c, err := l.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("accepted %v beyond the maximum, %v", c, err)
			}
			l.SetDeadline(time.Time{})
			served[i-2].Close()
		}
		c := mustAccept(t, l)
		served = append(served, c)
		var b [1]byte
		if _, err := io.ReadFull(c, b[:]); err != nil {
			t.Fatal(err)
		}
		if connectsInOrder && string(b[:]) != fmt.Sprint(i) {
			t.Errorf("connection %d is client %s's", i, b)
		}
		seen[string(b[:])] = true
	}
	dialing.Wait()
	for _, c := range clients {
		c.Close()
	}
	if len(seen) != len(clients) {
		t.Errorf("served %v", seen)
	}
}

// pendingAccept starts an Accept and reports what it ends with.
func pendingAccept(l *Listener, ctx context.Context) chan error {
	result := make(chan error, 1)
	go func() {
		c, err := l.AcceptContext(ctx)
		if err == nil {
			c.Close() // while it is open Windows keeps the name
		}
		result <- err
	}()
	return result
}

func TestGracefulStop(t *testing.T) {
	bg := context.Background()
	other := mustListen(t, ipctest.UniqueName(), nil)
	undisturbed := pendingAccept(other, bg)
	cause := errors.New("shutting down")

	name := ipctest.UniqueName()
	l := mustListen(t, name, nil)
	ctx, cancel := context.WithCancelCause(bg)
	cancelled, waiting := pendingAccept(l, ctx), pendingAccept(l, bg)
	cancel(cause)
	if err := <-cancelled; !errors.Is(err, cause) {
		t.Errorf("cancelled: %v", err)
	}
	l.SetDeadline(time.Now().Add(-time.Second))
	if err := <-waiting; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	l.SetDeadline(time.Time{})
	// Neither has cost the listener a client.
	waiting = pendingAccept(l, bg)
	mustDial(t, name, nil)
	if err := <-waiting; err != nil {
		t.Errorf("after cancel and deadline: %v", err)
	}
	waiting = pendingAccept(l, bg)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	select {
	case err := <-undisturbed:
		t.Errorf("another listener's Accept ended: %v", err)
	default:
	}
	mustDial(t, other.name, nil)
	if err := <-undisturbed; err != nil {
		t.Errorf("another listener: %v", err)
	}
}

// closer is a Logger that closes the listener.
type closer struct {
	l      atomic.Pointer[Listener]
	closed chan error
}

func (c *closer) Enabled(context.Context, slog.Level) bool { return true }
func (c *closer) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *closer) WithGroup(string) slog.Handler            { return c }
func (c *closer) Handle(context.Context, slog.Record) error {
	c.closed <- c.l.Load().Close()
	return nil
}

func (c *closer) await(t *testing.T) {
	t.Helper()
	select {
	case err := <-c.closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(ipctest.Patience):
		t.Fatal("Close from within the Logger waits")
	}
}

func TestCloseFromTheLogger(t *testing.T) {
	for name, alsoFromOutside := range map[string]bool{"alone": false, "while another Close waits": true} {
		t.Run(name, func(t *testing.T) {
			logger := closer{closed: make(chan error, 1)}
			l := mustListen(t, ipctest.UniqueName(), &Config{Logger: slog.New(&logger)})
			logger.l.Store(l)
			accepted := pendingAccept(l, context.Background())
			outside := make(chan error, 1)
			if !alsoFromOutside {
				outside <- nil
			}
			l.crew.Run(func() { // as the goroutine that refuses a client
				if alsoFromOutside {
					go func() { outside <- l.Close() }()
					<-l.arrivals.Done()
				}
				l.tell(slog.LevelWarn, "refused a client")
			})
			logger.await(t)
			for what, ended := range map[string]chan error{"Accept": accepted, "the other Close": outside} {
				if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

func TestBadNames(t *testing.T) {
	for _, name := range []string{
		"", strings.Repeat("n", 201), "a/b", "nul\x00", "..", "../up", ".hidden", "-dash", "naïve", "\xff", "two words", "tab\t",
	} {
		if _, err := Listen(name, nil); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("Listen(%q): %v", name, err)
		}
		if _, err := Dial(context.Background(), name, nil); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("Dial(%q): %v", name, err)
		}
		if _, err := DialWait(context.Background(), name, nil); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("DialWait(%q): %v", name, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []*Config{
		{Direction: 7}, {Direction: -1}, {MaxMessage: -1}, {MaxConns: -1}, {BufferSize: -1},
		{Mode: os.ModeSetuid | 0o600}, {Allow: []string{""}}, {Allow: []string{"no such user at all"}}, {Allow: []string{"@no such group"}},
	} {
		if _, err := Listen(ipctest.UniqueName(), cfg); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
