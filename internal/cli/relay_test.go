package cli

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/endpoint"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/mq"
)

// relayed starts relay, and returns it and the URL at which it listens.
func relayed(t testing.TB, a, b string, args ...string) (*ipctest.Process, string) {
	t.Helper()
	p := start(t, append([]string{"relay", a, b, "--json"}, args...)...)
	t.Cleanup(func() { end(p) })
	e := relayEventOf(t, p.Hear())
	if e.Event != "listening" {
		t.Fatalf("the first event is %+v", e)
	}
	if scheme, _, _ := strings.Cut(a, "://"); scheme == "tcp" || scheme == "tls" {
		a = scheme + "://" + e.Address
	}
	return p, a
}

func relayEventOf(t testing.TB, line string) (e relayEvent) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return e
}

// end ends a relay in good order, where there is a way.
func end(p *ipctest.Process) {
	if p.Process.Signal(os.Interrupt) != nil {
		p.Kill()
	}
	p.Wait()
}

// echo serves a URL, and sends back what arrives.
func echo(t testing.TB, url string) string {
	t.Helper()
	l, err := endpoint.Listen(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			clients.Go(func() {
				defer conn.Close()
				io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		clients.Wait()
	})
	scheme, _, _ := strings.Cut(url, "://")
	if scheme == "tcp" {
		return "tcp://" + l.Addr().String()
	}
	return url
}

func dialed(t testing.TB, url string) net.Conn {
	t.Helper()
	conn, err := endpoint.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// hashed counts and hashes what is written to it.
type hashed struct {
	hash.Hash
	n int64
}

func (h *hashed) Write(b []byte) (int, error) {
	h.n += int64(len(b))
	return h.Hash.Write(b)
}

// sendRandom sends n bytes, of which it returns the hash.
func sendRandom(conn net.Conn, n int64) (string, error) {
	sum := &hashed{Hash: sha256.New()}
	if _, err := io.CopyN(io.MultiWriter(conn, sum), rand.NewChaCha8([32]byte{7}), n); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// What goes through a named pipe, TCP and shared memory, and back, arrives as it was sent.
func TestRelayPassesAllBytes(t *testing.T) {
	last, far := relayed(t, "tcp://127.0.0.1:0", echo(t, "shmnet://"+ipctest.UniqueName()))
	first, near := relayed(t, uniqueURL(), far)
	conn := dialed(t, near)
	const all = 10 << 10
	mib := ipctest.Count(all)
	if mib < all { // more than that proves no more, and takes minutes
		mib = min(mib, 1<<10)
	}
	n := int64(mib) << 20
	sent := make(chan string, 1)
	go func() {
		sum, err := sendRandom(conn, n)
		if err != nil {
			sum = err.Error()
		}
		sent <- sum
	}()
	got := &hashed{Hash: sha256.New()}
	if _, err := io.CopyN(got, conn, n); err != nil {
		t.Error(err)
	}
	if want := <-sent; fmt.Sprintf("%x", got.Sum(nil)) != want || got.n != n {
		t.Errorf("%d bytes came back of %d, with another hash than %s", got.n, n, want)
	}
	for _, relay := range []*ipctest.Process{first, last} {
		most := mostMemory(t, relay.Process.Pid)
		t.Logf("a relay of %s had up to %s in memory", size(n), size(most))
		if most > 64<<20 {
			t.Error("that is more than 64 MiB")
		}
	}
}

func TestRelayServesManyAtOnce(t *testing.T) {
	_, url := relayed(t, uniqueURL(), echo(t, "tcp://127.0.0.1:0"))
	var clients sync.WaitGroup
	for i := range ipctest.Count(100) {
		conn := dialed(t, url)
		clients.Go(func() {
			want := strings.Repeat(fmt.Sprint(i, " "), 10_000)
			go io.WriteString(conn, want)
			got := make([]byte, len(want))
			if n, err := io.ReadFull(conn, got); string(got) != want {
				t.Errorf("connection %d got %d bytes of %d, %v", i, n, len(want), err)
			}
			conn.Close()
		})
	}
	clients.Wait()
}

// Either side's close reaches the other, and so does its death.
func TestRelayPassesOnTheEnd(t *testing.T) {
	b, err := endpoint.Listen(t.Context(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, url := relayed(t, uniqueURL(), "tcp://"+b.Addr().String())
	for _, closes := range []string{"client", "server"} {
		client := dialed(t, url)
		server, err := b.Accept()
		if err != nil {
			t.Fatal(err)
		}
		left, stays := client, server
		if closes == "server" {
			left, stays = server, client
		}
		left.Close()
		stays.SetReadDeadline(time.Now().Add(ipctest.Patience))
		if n, err := stays.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the %s has closed, the other end reads %d bytes, %v", closes, n, err)
		}
		stays.Close()
	}
}

func TestRecordingIsReplayed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tap")
	relay, url := relayed(t, uniqueURL(), echo(t, "tcp://127.0.0.1:0"), "--tap", file)
	for _, text := range []string{"first", "second"} {
		conn := dialed(t, url)
		io.WriteString(conn, text)
		got := make([]byte, len(text))
		if _, err := io.ReadFull(conn, got); string(got) != text {
			t.Fatalf("got %q, %v", got, err)
		}
		conn.Close()
	}
	end(relay)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("the recording is %v, %v", info, err)
	}
	if r := run(t, "", "relay", url, "tcp://127.0.0.1:1", "--tap", file); r.code != exitError {
		t.Errorf("the recording was replaced: exit %d: %s", r.code, r.stderr)
	}
	again := served(t, url, "--count", "2")
	done := make(chan string, 1)
	go func() { done <- run(t, "", "replay", file, url, "--speed", "0").stderr }()
	texts := map[string]bool{}
	for range 2 {
		texts[*parse(t, again.Hear()).Text] = true
	}
	if !texts["first"] || !texts["second"] {
		t.Errorf("what was replayed is %v", texts)
	}
	again.Wait()
	<-done // with an error, if the server had ended before the client
	if r := run(t, "", "replay", filepath.Join(t.TempDir(), "none"), url); r.code != exitError {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}
}

// A message that B did not take is in the queue still.
func TestRelayAcknowledgesWhatWasTaken(t *testing.T) {
	queue := "mq://" + ipctest.UniqueName()
	q, err := endpoint.OpenQueue(t.Context(), queue+"?create")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mq.Remove(strings.TrimPrefix(queue, "mq://"), nil) })
	defer q.Close()
	if r := run(t, "a\nb\nc", "relay", "stdio://", queue); r.code != 0 {
		t.Fatalf("exit %d: %s", r.code, r.stderr)
	}
	pipe := uniqueURL()
	if r := run(t, "", "relay", queue, pipe); r.code != exitError || !strings.Contains(r.stderr, "no server") {
		t.Errorf("without a server: exit %d: %s", r.code, r.stderr)
	}
	server := served(t, pipe, "--lines", "--count", "3")
	relay := start(t, "relay", queue, pipe)
	for _, text := range []string{"a", "b", "c"} {
		if e := parse(t, server.Hear()); e.Text == nil || *e.Text != text {
			t.Errorf("arrived %+v, want %q", e, text)
		}
	}
	if err := q.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	end(relay)
}

func TestBadURLsOfRelay(t *testing.T) {
	for _, args := range [][]string{
		{"x", "pipe://y"}, {"pipe://x", "smoke://y"}, {"pipe://x?volume=1", "pipe://y"}, {"latest://x", "pipe://y"}, {"pipe://x"},
		{"pipe://x#Calc", "pipe://y"}, {"pipe://x", "pipe://y#Calc"}, // an object is for ipc call
		{"pipe://x?message=maybe", "pipe://y"}, {"mq://x?full=burst", "pipe://y"}, {"stdio://", "pipe://y?mode=rw"},
		{"pipe://x", "activated://"}, {"tls://127.0.0.1:0", "pipe://y"}, {"tcp://127.0.0.1", "pipe://y"}, {"stdio://", "tcp://localhost:70000"},
		{"pipe://x", "pipe://x"}, {"mq://x", "mq://x"},
		{"stdio://", "pipe://y", "--json"}, {"pipe://x", "stdio://", "--json"}, // events between the bytes
	} {
		if r := run(t, "", append([]string{"relay"}, args...)...); r.code != exitUsage {
			t.Errorf("relay %q: exit %d: %s", args, r.code, r.stderr)
		}
	}
	for _, option := range []string{"buffer-size=2G", "max-conns=-1"} {
		name, _, _ := strings.Cut(option, "=")
		if r := run(t, "", "relay", "shmnet://x?"+option, "pipe://y"); r.code == 0 || !strings.Contains(r.stderr, "the option "+name) {
			t.Errorf("%s: exit %d: %s", option, r.code, r.stderr)
		}
	}
	for _, url := range []string{"mq://jobs", "activated://", "stdio://?", "pipe://y?message=maybe"} {
		if r := run(t, `{"direction":">","data":"eA=="}`, "replay", "-", url); r.code != exitUsage {
			t.Errorf("replay to %s: exit %d: %s", url, r.code, r.stderr)
		}
	}
	if r := run(t, "", "replay", "-", "pipe://y", "--speed", "NaN"); r.code != exitUsage {
		t.Errorf("replay at no speed: exit %d: %s", r.code, r.stderr)
	}
}

// A relay that could not begin leaves no recording, which would keep the next try from it.
func TestRelayThatFailsLeavesNoRecording(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tap")
	taken := echo(t, "tcp://127.0.0.1:0")
	for _, ends := range [][2]string{{"stdio://", uniqueURL()}, {taken, uniqueURL()}} {
		if r := run(t, "", "relay", ends[0], ends[1], "--tap", file); r.code != exitError || strings.Contains(r.stderr, file) {
			t.Errorf("relay %q: exit %d: %s", ends, r.code, r.stderr)
		}
		if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("relay %q leaves a recording: %v", ends, err)
		}
	}
}
