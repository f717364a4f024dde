package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/pipe"
)

// runAll runs the demos, and returns their rows and exchanges by mechanism.
func runAll(t *testing.T, ctx context.Context) (rows map[string]Event, exchanges map[string][]Event) {
	t.Helper()
	rows, exchanges = map[string]Event{}, map[string][]Event{}
	all, err := Run(ctx, func(e Event) { exchanges[e.Mechanism] = append(exchanges[e.Mechanism], e) })
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all {
		rows[row.Mechanism] = row
	}
	if len(all) != len(demos) || len(rows) != len(demos) {
		t.Errorf("%d rows of %d mechanisms, want %d", len(all), len(rows), len(demos))
	}
	expectNoTraces(t, os.Getpid())
	return rows, exchanges
}

// traces returns what runs of a process left behind.
func traces(t *testing.T, pid int) (left []string) {
	t.Helper()
	name := fmt.Sprintf("*ipc-demo-%d-*", pid)
	for _, dir := range []string{os.TempDir(), "/dev/shm"} {
		files, err := filepath.Glob(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, files...)
	}
	return left
}

func expectNoTraces(t *testing.T, pid int) {
	t.Helper()
	if left := traces(t, pid); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestEveryDemo(t *testing.T) {
	began := time.Now()
	rows, exchanges := runAll(t, t.Context())
	ipctest.WantSince(t, began, 15*time.Second)
	for _, d := range demos {
		row := rows[d.mechanism]
		if d.missing != "" {
			if row.Verdict != Unsupported || row.Error != d.missing {
				t.Errorf("%+v", row)
			}
			continue
		}
		if row.Event != Row || row.Verdict != OK || row.RoundTrips != roundTrips || row.P50 <= 0 || row.P99 < row.P50 || row.Crossed == "" {
			t.Errorf("%+v", row)
		}
		pids := map[string][]int{}
		for _, e := range exchanges[d.mechanism] {
			if !slices.Contains(pids[e.Process], e.PID) {
				pids[e.Process] = append(pids[e.Process], e.PID)
			}
		}
		if len(pids["server"]) != 1 || len(pids["client"]) != 1 || pids["server"][0] == pids["client"][0] {
			t.Errorf("%s: processes %v", d.mechanism, pids)
		}
	}
}

func TestMissingMechanisms(t *testing.T) {
	for _, d := range demos {
		want := ""
		switch {
		case d.mechanism == "FIFO":
			want = "windows"
		case d.mechanism == "POSIX queue" || d.mechanism == "System V queue":
			if runtime.GOOS != "linux" {
				want = runtime.GOOS
			}
		case d.mechanism == "mapped file" || d.mechanism == "file lock" || d.mechanism == "remote object" || d.mechanism == "struct" || strings.HasSuffix(d.mechanism, " pipe") || d.mechanism == "TCP socket" || d.mechanism == "TLS socket":
		case d.mechanism == "Unix socket":
			want = "windows"
		case runtime.GOOS != "linux" && runtime.GOOS != "windows":
			want = runtime.GOOS
		}
		if (d.missing != "") != (want == runtime.GOOS) {
			t.Errorf("%s is missing because %q", d.mechanism, d.missing)
		}
	}
}

// The lock of a killed owner is had, and its death told. So is a leader's place.
func TestDemoOfDeath(t *testing.T) {
	for _, d := range []demo{mutex, leader, leasedMessage} {
		t.Run(d.mechanism, func(t *testing.T) {
			if d.missing != "" {
				t.Skip(d.missing)
			}
			only(t, d)
			_, exchanges := runAll(t, t.Context())
			said := exchanges[d.mechanism]
			var killed string
			for _, e := range said {
				if i := strings.LastIndex(e.Text, "process "); e.Process == "client" && strings.Contains(e.Text, "kills") {
					killed = e.Text[i+len("process "):]
				}
			}
			if last := said[len(said)-1]; last.Process != "client" || !strings.HasSuffix(last.Text, " died") {
				t.Errorf("%+v", last)
			}
			if !slices.ContainsFunc(said, func(e Event) bool {
				return e.Process == "server" && strconv.Itoa(e.PID) == killed
			}) {
				t.Errorf("killed was %q; %+v", killed, said)
			}
		})
	}
}

// Two messages that were sent before one was read arrive as two.
func TestDemoKeepsMessagesApart(t *testing.T) {
	only(t, messagePipe)
	_, exchanges := runAll(t, t.Context())
	var received []string
	for _, e := range exchanges[messagePipe.mechanism] {
		if e.Process == "server" && strings.HasPrefix(e.Text, "receives message ") {
			received = append(received, e.Text)
		}
	}
	if want := []string{`receives message 1: "hello"`, `receives message 2: "two lines\nin one message"`}; !slices.Equal(received, want) {
		t.Errorf("%q, want %q", received, want)
	}
}

func TestDemoTellsFailure(t *testing.T) {
	only(t, onlyDemos["liar"])
	rows, _ := runAll(t, t.Context())
	if row := rows["liar"]; row.Verdict != Failed || !strings.Contains(row.Error, "answer") {
		t.Errorf("%+v", row)
	}
}

// Of a demo that fails while the server holds a segment nothing stays.
func TestDemoRemovesTheSegmentOfTheKilled(t *testing.T) {
	if sharedMemory.missing != "" {
		t.Skip(sharedMemory.missing)
	}
	only(t, onlyDemos["deserter"])
	rows, _ := runAll(t, t.Context())
	if row := rows["deserter"]; row.Verdict != Failed || !strings.Contains(row.Error, "deserted") {
		t.Errorf("%+v", row)
	}
}

// connect connects to the process that said at which address it listens.
func connect(t *testing.T, address string) *pipe.Conn {
	t.Helper()
	c, err := pipe.Dial(t.Context(), strings.TrimPrefix(address, `\\.\pipe\`), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// expectDeath waits for the end of the process at the other end.
func expectDeath(t *testing.T, c *pipe.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(ipctest.Patience))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the other end still lives: %v", err)
	}
}

// A demo that doesn't end by itself ends with its context, and its processes too.
func TestDemoEndsWithItsContext(t *testing.T) {
	only(t, onlyDemos["sleeper"])
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var server *pipe.Conn
	rows, err := Run(ctx, func(e Event) {
		if e.Process == "server" {
			server = connect(t, e.Text)
			cancel(errors.New("not done after 2s"))
		}
	})
	if err != nil || len(rows) != 1 || rows[0].Verdict != Failed || rows[0].Error != "not done after 2s" {
		t.Errorf("%+v, %v", rows, err)
	}
	expectDeath(t, server)
	expectNoTraces(t, os.Getpid())
}

// A demo that hangs has failed, without an end of the context of all.
func TestDemoThatHangs(t *testing.T) {
	only(t, onlyDemos["sleeper"])
	defer func(limit time.Duration) { exchangeLimit = limit }(exchangeLimit)
	exchangeLimit = 200 * time.Millisecond
	rows, _ := runAll(t, t.Context())
	if row := rows["sleeper"]; row.Verdict != Failed || row.Error != "not done after 200ms" {
		t.Errorf("%+v", row)
	}
}

// run starts the demo in a process of its own, and hears what is shown until done
// returns true.
func runUntil(t *testing.T, d string, done func(Event) bool) *ipctest.Process {
	t.Helper()
	t.Setenv(onlyEnv, d)
	p := ipctest.Start(t, runner)
	for {
		var e Event
		if err := json.Unmarshal([]byte(p.Hear()), &e); err != nil {
			t.Fatal(err)
		}
		if done(e) {
			return p
		}
	}
}
