//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mq"
)

// listened listens at a URL for the length of the test.
func listened(t testing.TB, url string) (net.Listener, string) {
	t.Helper()
	l, err := endpoint.Listen(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if scheme, _, _ := strings.Cut(url, "://"); scheme == "tcp" {
		url = "tcp://" + l.Addr().String()
	}
	return l, url
}

func unixURL(t testing.TB) string { return "unix://" + filepath.Join(t.TempDir(), "s") }

// A message that B's server closed without having read is in the queue still.
func TestRelayGivesBackWhatWasNotRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system doesn't tell what a server has read")
	}
	for _, url := range []string{unixURL(t), uniqueURL(), "shmnet://" + ipctest.UniqueName()} {
		queue := "mq://" + ipctest.UniqueName()
		q, err := endpoint.OpenQueue(t.Context(), queue+"?create")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { mq.Remove(strings.TrimPrefix(queue, "mq://"), nil) })
		defer q.Close()
		const jobs = 5
		for range jobs {
			if err := q.Send(t.Context(), mq.Outgoing{Body: []byte("job")}); err != nil {
				t.Fatal(err)
			}
		}
		l, url := listened(t, url)
		relay := start(t, "relay", queue, url)
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4)
		if _, err := io.ReadFull(conn, buf); err != nil || string(buf) != "job\n" {
			t.Errorf("%q, %v", buf, err)
		}
		conn.Close() // with one job unread, perhaps
		relay.Wait()
		if code := relay.ProcessState.ExitCode(); code != exitError {
			t.Errorf("exit %d", code)
		}
		if s, err := q.Stats(t.Context()); s.Messages != jobs-1 || s.Acknowledged != 1 {
			t.Errorf("%s: the queue has %d of %d, %d acknowledged, %v", url, s.Messages, jobs, s.Acknowledged, err)
		}
	}
}

// An answer that a server gives before it has read everything arrives whole, although the
// client writes on.
func TestRelayPassesOnAnEarlyAnswer(t *testing.T) {
	answer := bytes.Repeat([]byte("answer "), 20_000)
	for _, near := range []string{unixURL(t), uniqueURL(), "tcp://127.0.0.1:0", "shmnet://" + ipctest.UniqueName()} {
		l, far := listened(t, unixURL(t))
		_, url := relayed(t, near, far)
		for range ipctest.Count(10) {
			client := dialed(t, url)
			wrote := make(chan struct{})
			go func() {
				client.Write(make([]byte, 3<<20)) // it is not read to the end
				close(wrote)
			}()
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			io.ReadFull(server, make([]byte, 1000))
			server.Write(answer)
			server.Close()
			client.SetReadDeadline(time.Now().Add(ipctest.Patience))
			got := make([]byte, len(answer))
			if n, err := io.ReadFull(client, got); !bytes.Equal(got, answer) {
				t.Errorf("%s: %d bytes of %d arrived, %v", near, n, len(answer), err)
			}
			client.Close()
			<-wrote
		}
	}
}

// Each half of a connection is closed by itself, through every kind of stream.
func TestRelayKeepsHalfClose(t *testing.T) {
	l, url := listened(t, unixURL(t))
	for _, near := range []string{uniqueURL(), "shmnet://" + ipctest.UniqueName(), "tcp://127.0.0.1:0", unixURL(t)} {
		_, url = relayed(t, near, url)
	}
	client := dialed(t, url)
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, ends := range [][2]net.Conn{{client, server}, {server, client}} {
		from, to := ends[0], ends[1]
		io.WriteString(from, "all of it")
		if err := from.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Error(err)
		}
		to.SetReadDeadline(time.Now().Add(ipctest.Patience))
		if text, err := io.ReadAll(to); string(text) != "all of it" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	}
}

// A signal ends relay and replay although an end takes nothing any more.
func TestRelayEndsBesideStalledEnds(t *testing.T) {
	l, stalled := listened(t, unixURL(t))
	recording := filepath.Join(t.TempDir(), "tap")
	tap := `{"time":"2026-01-01T00:00:00Z","connection":1,"direction":">","data":"` + strings.Repeat("eHh4", 1<<20) + `"}`
	if err := os.WriteFile(recording, []byte(tap), 0o600); err != nil {
		t.Fatal(err)
	}
	replay := start(t, "replay", recording, stalled)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, 1<<20)); err != nil { // it is writing
		t.Fatal(err)
	}

	near := unixURL(t)
	read, write, err := os.Pipe() // of which nothing is read
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	relay := ipc(t, "relay", near, "stdio://")
	relay.Stdout = write
	if err := relay.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	client, err := endpoint.DialWait(t.Context(), near)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	if _, err := client.Write(make([]byte, 10<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the relay is not stalled: %v", err)
	}
	for _, p := range []*os.Process{relay.Process, replay.Process} {
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		overdue := time.AfterFunc(ipctest.Patience, func() {
			t.Errorf("process %d lives after SIGTERM", p.Pid)
			p.Kill()
		})
		defer overdue.Stop()
	}
	relay.Wait()
	replay.Wait()
}

// TestRelayEndsWhenNobodyReadsItsEvents has the reader of --json close.
func TestRelayEndsWhenNobodyReadsItsEvents(t *testing.T) {
	a := unixURL(t)
	cmd := ipc(t, "relay", a, echo(t, unixURL(t)), "--json")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := events.Read(make([]byte, 1<<10)); err != nil { // it listens
		t.Error(err)
	}
	events.Close()
	conn, err := endpoint.Dial(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if cmd.Wait(); cmd.ProcessState.ExitCode() != exitError || !strings.Contains(stderr.String(), "broken pipe") {
		t.Errorf("%v: %s", cmd.ProcessState, stderr.String())
	}
}

// TestRelayNamesTheEndThatFails has B's server close while much passes.
func TestRelayNamesTheEndThatFails(t *testing.T) {
	l, far := listened(t, unixURL(t))
	near := unixURL(t)
	cmd := ipc(t, "relay", near, far, "--json")
	events, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(events)
	var e relayEvent
	lines.Decode(&e) // it listens
	client := dialed(t, near)
	go func() {
		for data := make([]byte, 1<<20); ; {
			if _, err := client.Write(data); err != nil {
				return
			}
		}
	}()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, server, 64<<20); err != nil {
		t.Error(err)
	}
	server.Close()
	for err == nil && e.Event != "error" {
		err = lines.Decode(&e)
	}
	if want := "unix write " + strings.TrimPrefix(far, "unix://") + ": the other side has closed"; !strings.HasPrefix(e.Error, want) {
		t.Errorf("%q, want %q: %v", e.Error, want, err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
}

// TestRelayFailsWithoutItsLastEvents has a signal end what nobody reads the events of.
func TestRelayFailsWithoutItsLastEvents(t *testing.T) {
	l, far := listened(t, unixURL(t))
	for range 5 {
		near := unixURL(t)
		cmd := ipc(t, "relay", near, far, "--json")
		events, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(events)
		lines.Scan() // it listens
		dialed(t, near)
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		lines.Scan() // they are connected
		events.Close()
		cmd.Process.Signal(syscall.SIGTERM)
		if cmd.Wait(); cmd.ProcessState.ExitCode() != exitError {
			t.Errorf("%v, although the event that the connection closed is lost", cmd.ProcessState)
		}
	}
}
