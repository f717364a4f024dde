package cli

import (
	"encoding/json"
	"errors"
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

// demoOutput reads the JSON of demo.
func demoOutput(t *testing.T, text string) (rows, exchanges map[string][]demoEvent) {
	t.Helper()
	rows, exchanges = map[string][]demoEvent{}, map[string][]demoEvent{}
	for line := range strings.Lines(text) {
		var e demoEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch e.Event {
		case "row":
			rows[e.Mechanism] = append(rows[e.Mechanism], e)
		case "exchange":
			exchanges[e.Mechanism] = append(exchanges[e.Mechanism], e)
		default:
			t.Errorf("event %q", line)
		}
	}
	return rows, exchanges
}

func TestDemo(t *testing.T) {
	began := time.Now()
	out := succeed(t, "", "demo", "--json")
	if d := time.Since(began); d > 15*time.Second {
		t.Errorf("took %v", d)
	}
	rows, exchanges := demoOutput(t, out)
	if len(rows) != len(demos) {
		t.Errorf("%d rows, want %d", len(rows), len(demos))
	}
	for _, name := range []string{"anonymous pipe", "named pipe", "FIFO", "shared memory", "mapped file", "semaphore", "mutex", "event"} {
		if len(rows[name]) != 1 {
			t.Errorf("%s: rows %+v", name, rows[name])
			continue
		}
		row := rows[name][0]
		if name == "FIFO" && runtime.GOOS == "windows" ||
			slices.Contains([]string{"shared memory", "semaphore", "mutex", "event"}, name) && runtime.GOOS != "linux" && runtime.GOOS != "windows" {
			if row.Verdict != verdictUnsupported || row.Error == "" {
				t.Errorf("%+v", row)
			}
			continue
		}
		if row.Verdict != verdictOK || row.RoundTrips != roundTrips || row.P50 <= 0 || row.P99 < row.P50 || row.Crossed == "" {
			t.Errorf("%+v", row)
		}
		pids := map[string][]int{}
		for _, e := range exchanges[name] {
			if !slices.Contains(pids[e.Process], e.PID) {
				pids[e.Process] = append(pids[e.Process], e.PID)
			}
		}
		if len(pids["server"]) != 1 || len(pids["client"]) != 1 || pids["server"][0] == pids["client"][0] {
			t.Errorf("%s: processes %v", name, pids)
		}
	}
	expectNoTraces(t)
}

func expectNoTraces(t *testing.T) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "ipc-demo-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if left, _ := filepath.Glob("/dev/shm/*ipc-demo-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDemoTable(t *testing.T) {
	out := succeed(t, "", "demo")
	_, table, _ := strings.Cut(out, "\n\n")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 1+len(demos) || !strings.HasPrefix(lines[0], "mechanism ") {
		t.Fatalf("%s", out)
	}
	for i, d := range demos {
		if !strings.HasPrefix(lines[i+1], d.mechanism+" ") || !strings.HasSuffix(lines[i+1], " "+verdictOK) && d.missing == "" {
			t.Errorf("%s", lines[i+1])
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("colours without a terminal: %q", out)
	}
}

func TestDemoTellsFailure(t *testing.T) {
	t.Setenv(onlyDemoEnv, "liar")
	r := run(t, "", "demo", "--json")
	rows, _ := demoOutput(t, r.stdout)
	if row := rows["liar"]; r.code != exitError || len(row) != 1 || row[0].Verdict != verdictFailed || !strings.Contains(row[0].Error, "answer") {
		t.Errorf("exit %d, %+v", r.code, row)
	}
	expectNoTraces(t)
}

// Of a demo that fails while the server holds a segment nothing stays.
func TestDemoRemovesTheSegmentOfTheKilled(t *testing.T) {
	if sharedMemory.missing != "" {
		t.Skip(sharedMemory.missing)
	}
	t.Setenv(onlyDemoEnv, "deserter")
	r := run(t, "", "demo", "--json")
	rows, _ := demoOutput(t, r.stdout)
	if row := rows["deserter"]; r.code != exitError || len(row) != 1 || !strings.Contains(row[0].Error, "deserted") {
		t.Errorf("exit %d, %+v", r.code, row)
	}
	expectNoTraces(t)
}

// sleeping starts a demo that does not end by itself, and returns it with a
// connection to a process of it.
func sleeping(t *testing.T, args ...string) (*ipctest.Process, *pipe.Conn) {
	t.Helper()
	t.Setenv(onlyDemoEnv, "sleeper")
	demo := start(t, append([]string{"demo", "--json"}, args...)...)
	for {
		_, exchanges := demoOutput(t, demo.Hear())
		if said := exchanges["sleeper"]; len(said) > 0 {
			name := strings.TrimPrefix(said[0].Text, `\\.\pipe\`)
			c, err := pipe.Dial(t.Context(), name, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return demo, c
		}
	}
}

// expectDeath waits for the end of the process at the other end.
func expectDeath(t *testing.T, c *pipe.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(ipctest.Patience))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the other end still lives: %v", err)
	}
}

func TestDemoOverrun(t *testing.T) {
	demo, server := sleeping(t, "--limit", "2s")
	var verdict []demoEvent
	for {
		line, ok := demo.TryHear()
		if !ok {
			break
		}
		rows, _ := demoOutput(t, line)
		verdict = append(verdict, rows["sleeper"]...)
	}
	if len(verdict) != 1 || verdict[0].Verdict != verdictFailed || !strings.Contains(verdict[0].Error, "2s") {
		t.Errorf("%+v", verdict)
	}
	expectEnd(t, demo, exitError)
	expectDeath(t, server)
	expectNoTraces(t)
}

// The lock of a killed owner is had, and its death told.
func TestDemoMutex(t *testing.T) {
	if mutex.missing != "" {
		t.Skip(mutex.missing)
	}
	t.Setenv(onlyDemoEnv, "mutex")
	_, exchanges := demoOutput(t, succeed(t, "", "demo", "--json"))
	said := exchanges["mutex"]
	var killed string
	for _, e := range said {
		if _, pid, ok := strings.Cut(e.Text, "kills process "); ok {
			killed = pid
		}
	}
	last := said[len(said)-1]
	if last.Process != "client" || !strings.Contains(last.Text, "its owner died") {
		t.Errorf("%+v", last)
	}
	if !slices.ContainsFunc(said, func(e demoEvent) bool {
		return e.Process == "server" && strconv.Itoa(e.PID) == killed
	}) {
		t.Errorf("killed was %q; %+v", killed, said)
	}
}
