package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

const transferSize = 100 << 20

// pattern repeats with a period that is no power of two, so that a piece that
// was lost, doubled or moved shows.
var pattern = func() []byte {
	p := make([]byte, 65521)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(p)
	return p
}()

// writePattern writes size bytes of the pattern.
func writePattern(w io.Writer, size int) (sent int, err error) {
	for sent < size && err == nil {
		var n int
		at := sent % len(pattern)
		n, err = w.Write(pattern[at:min(len(pattern), at+size-sent)])
		sent += n
	}
	return sent, err
}

// checkPattern reads to the end and reports how much arrived; what is not a
// prefix of the pattern is an error. progress is told along the way.
func checkPattern(r io.Reader, progress func(got int)) (got int, err error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		for piece := buf[:n]; len(piece) > 0; {
			at := got % len(pattern)
			m := min(len(piece), len(pattern)-at)
			if !bytes.Equal(piece[:m], pattern[at:at+m]) {
				return got, errors.New("not a prefix of what was sent")
			}
			got += m
			piece = piece[m:]
		}
		if progress != nil {
			progress(got)
		}
		if err != nil {
			return got, err
		}
	}
}

// sender sends the pattern, as server or client.
var sender = ipctest.Helper("sender", func(c *ipctest.Control) error {
	conn, err := party(c)
	if err != nil {
		return err
	}
	if _, err := writePattern(conn, transferSize); err != nil {
		return err
	}
	return conn.Close()
})

// receiver takes some and then waits to be killed.
var receiver = ipctest.Helper("receiver", func(c *ipctest.Control) error {
	conn, err := party(c)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, conn, transferSize/3); err != nil {
		return err
	}
	c.Say("enough")
	c.Hear()
	return nil
})

// party listens or dials, as Args say.
func party(c *ipctest.Control) (*Conn, error) {
	name := c.Args[1]
	if c.Args[0] == "client" {
		return Dial(context.Background(), name, nil)
	}
	l, err := Listen(name, nil)
	if err != nil {
		return nil, err
	}
	c.AtEnd(func() { l.Close() })
	c.Say("listening")
	return l.AcceptContext(context.Background())
}

// meet starts a helper in one role and takes the other.
func meet(t *testing.T, helper, role string) (*ipctest.Process, *Conn) {
	t.Helper()
	name := ipctest.UniqueName()
	if role == "client" {
		l := mustListen(t, name, nil)
		p := ipctest.Start(t, helper, role, name)
		return p, mustAccept(t, l)
	}
	p := ipctest.Start(t, helper, role, name)
	p.Expect("listening")
	t.Cleanup(func() { removeStale(t, name) })
	return p, mustDial(t, name, nil)
}

// removeStale takes over the name of a killed server and gives it up.
func removeStale(t *testing.T, name string) {
	if l, err := Listen(name, nil); err == nil {
		l.Close()
	}
}

func TestTransfer(t *testing.T) {
	for _, role := range []string{"server", "client"} {
		p, c := meet(t, sender, role)
		got, err := checkPattern(c, nil)
		if got != transferSize || err != io.EOF {
			t.Errorf("%s: %d bytes, %v", role, got, err)
		}
		if err := p.Wait(); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestKilledSender(t *testing.T) {
	for _, role := range []string{"server", "client"} {
		p, c := meet(t, sender, role)
		var killed time.Time
		got, err := checkPattern(c, func(got int) {
			if got >= transferSize/3 && killed.IsZero() {
				p.Kill()
				killed = time.Now()
			}
		})
		if err == nil || got < transferSize/3 || got >= transferSize {
			t.Errorf("%s: %d bytes, %v", role, got, err)
		}
		ipctest.WantSince(t, killed, time.Second)
		t.Logf("%s: %d bytes, then %v", role, got, err)
	}
}

func TestKilledReceiver(t *testing.T) {
	for _, role := range []string{"server", "client"} {
		p, c := meet(t, receiver, role)
		type result struct {
			sent int
			err  error
			at   time.Time
		}
		done := make(chan result)
		go func() {
			sent, err := writePattern(c, transferSize)
			done <- result{sent, err, time.Now()}
		}()
		p.Expect("enough")
		p.Kill()
		killed := time.Now()
		r := <-done
		if !errors.Is(r.err, io.ErrClosedPipe) && !isReset(r.err) {
			t.Errorf("%s: %d bytes, %v", role, r.sent, r.err)
		}
		ipctest.WantWithin(t, r.at.Sub(killed), time.Second)
	}
}

func TestUseAfterClose(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	pending := make(chan error)
	go func() {
		_, err := client.Read(make([]byte, 1))
		pending <- err
	}()
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if err := client.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	for what, err := range map[string]error{
		"pending Read": <-pending,
		"Read":         second(client.Read(make([]byte, 1))),
		"Write":        second(client.Write(make([]byte, 1))),
		"Drain":        client.Drain(context.Background()),
		"SetDeadline":  client.SetDeadline(time.Time{}),
	} {
		if !errors.Is(err, os.ErrClosed) && !isNetClosed(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second(_ int, err error) error { return err }

func TestDrain(t *testing.T) {
	client, server, err := connected(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	defer server.Close()
	io.WriteString(client, "unread")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := client.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("unread: %v", err)
	}
	drained := make(chan error)
	go func() { drained <- client.Drain(context.Background()) }()
	if _, err := io.ReadFull(server, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if err := <-drained; err != nil {
		t.Errorf("read: %v", err)
	}
	io.WriteString(client, "lost")
	server.Close()
	if err := client.Drain(context.Background()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("lost: %v", err)
	}
}

func TestDirections(t *testing.T) {
	for _, d := range []struct{ client, server Direction }{{In, Out}, {Out, In}, {Duplex, In}, {Duplex, Out}} {
		client, server, err := connected(t, &Config{Direction: d.client}, &Config{Direction: d.server})
		if err != nil {
			t.Errorf("%v: %v", d, err)
			continue
		}
		from, to := client, server
		if d.server == Out {
			from, to = server, client
		}
		if _, err := io.WriteString(from, "one way"); err != nil {
			t.Errorf("%v: %v", d, err)
		}
		from.Close()
		if got, err := io.ReadAll(to); string(got) != "one way" || err != nil {
			t.Errorf("%v: %q, %v", d, got, err)
		}
		if _, err := to.Write([]byte("back")); err == nil {
			t.Errorf("%v: wrote against the direction", d)
		}
		to.Close()
	}
}

// Drain beside CloseWrite of the same end blames no other.
func TestDrainBesideCloseWrite(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for i := range ipctest.Count(4000) {
		client, server, err := connected(t, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(client, "text")
		var closing sync.WaitGroup
		closing.Go(func() {
			for range i % 400 {
				client.PeerClosed()
			}
			client.CloseWrite()
		})
		for range 300 {
			if err := client.Drain(ended); errors.Is(err, io.ErrClosedPipe) {
				t.Error(err)
				break
			}
		}
		closing.Wait()
		client.Close()
		server.Close()
	}
}
