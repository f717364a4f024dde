package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"github.com/breezeway-ipc/breezeway/ipcsync"
	"github.com/breezeway-ipc/breezeway/mq"
	"github.com/breezeway-ipc/breezeway/shm"
)

// endless is more than a test waits for.
const endless = "1000000000000000"

// program returns the command that runs this program.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(programEnv, "1") // for the processes that this one starts, too
	t.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	return exec.Command(exe, args...)
}

// output runs the program to its end.
func output(t *testing.T, args ...string) string {
	t.Helper()
	cmd := program(t, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	return string(out)
}

// The program itself checks every sum.
func TestSums(t *testing.T) {
	batches := []string{"777", "1000", "1000000"}
	if ipctest.Slow() {
		batches = batches[:1]
	}
	for _, batch := range batches {
		out := output(t, "--count", "50000", "--batch", batch)
		for _, want := range []string{"2 processes, 50000 increments each, a partial result every " + batch, "through a queue", "in shared memory", "worker.Map in 1 process: "} {
			if !strings.Contains(out, want) {
				t.Errorf("it printed %q, which has no %q", out, want)
			}
		}
	}
}

// However large a part may be, there are as many as are yielded.
func TestNumberOfParts(t *testing.T) {
	for _, w := range []work{{10, 3}, {10, 10}, {10, math.MaxUint64}, {1, 1}, {math.MaxUint64, math.MaxUint64}, {math.MaxUint64, 1 << 63}} {
		var sum, n uint64
		for size := range w.sizes() {
			sum += size
			if n++; n > w.number() {
				break
			}
		}
		if sum != w.Count || n != w.number() {
			t.Errorf("%+v: %d in %d parts, want %d", w, sum, n, w.number())
		}
	}
}

func TestPython(t *testing.T) {
	needPython(t)
	var r struct {
		QueueRatio  float64 `json:"queue_ratio"`
		MemoryRatio float64 `json:"memory_ratio"`
		Speedup     map[string]float64
	}
	out := output(t, "--python", "--json", "--count", "200000", "--batch", "10000")
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.QueueRatio <= 0 || r.MemoryRatio <= 0 || r.Speedup["1"] <= 0 || r.Speedup[strconv.Itoa(runtime.NumCPU())] <= 0 {
		t.Errorf("it printed %q: %v", out, err)
	}
	if out := output(t, "--python", "--count", "200000", "--batch", "10000"); !strings.Contains(out, "times as long") {
		t.Errorf("it printed %q", out)
	}
}

func needPython(t *testing.T) {
	t.Helper()
	if ipctest.UnderWine() {
		t.Skip("there is no Python for Windows here")
	}
	if _, err := findPython(); err != nil {
		ipctest.Missing(t, err.Error())
	}
}

// parent starts the two processes, says which they are, and why the sum has failed.
var parent = ipctest.Helper("parent", func(c *ipctest.Control) error {
	os.Setenv(programEnv, "1")
	q, err := mq.Create(c.Args[0], nil)
	if err != nil {
		return err
	}
	defer mq.Remove(c.Args[0], nil)
	defer q.Close()
	p, err := startPair(context.Background(), methodQueue, c.Args[0], work{Count: math.MaxUint64, Batch: 1000})
	defer p.stop()
	if err != nil {
		return err
	}
	c.Say("%d", p.cmds[0].Process.Pid)
	for err == nil {
		_, err = q.Receive(p.ctx, nil)
	}
	c.Say("%v", err)
	c.Say("%v", p.wait())
	return nil
})

func TestCountingProcessKilled(t *testing.T) {
	p := ipctest.Start(t, parent, ipctest.UniqueName())
	pid, err := strconv.Atoi(p.Hear())
	if err != nil {
		t.Fatal(err)
	}
	counting, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer counting.Release()
	if err := counting.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		want := fmt.Sprintf("the counting process %d failed: ", pid)
		if line := p.Hear(); !strings.Contains(line, want) {
			t.Errorf("it says %q, want %q", line, want)
		}
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// The parent is killed: its processes end with it, and remove what has a name. That they
// end is checked by ipctest.Main.
func TestParentKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows ends the processes with their parent, before they could remove the queue")
	}
	p := ipctest.StartCommand(t, program(t, "--count", endless))
	name := "sums-" + strconv.Itoa(p.Process.Pid)
	q, err := ipcsync.Await(t.Context(), func() (*mq.LocalQueue, error) { return mq.Open(name, nil) })
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if _, err := q.Receive(t.Context(), nil); err != nil { // one has started, at least
		t.Fatal(err)
	}
	p.Kill()
	for err == nil {
		_, err = q.Receive(t.Context(), make([]byte, 8))
	}
	if !errors.Is(err, breezeway.ErrRemoved) {
		t.Error(err)
	}
}

// holder starts the two processes, which add in shared memory, and waits to be killed.
var holder = ipctest.Helper("holder", func(c *ipctest.Control) error {
	os.Setenv(programEnv, "1")
	ctx, begun := context.WithCancel(context.Background())
	line := &progressLine{out: writerFunc(func(p []byte) (int, error) { begun(); return len(p), nil })}
	go inMemory(context.Background(), work{Count: math.MaxUint64, Batch: 1000}, line)
	<-ctx.Done() // one has added something, or is about to
	c.Say("%s", objectName())
	select {}
})

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestParentKilledInMemory(t *testing.T) {
	p := ipctest.Start(t, holder)
	name := p.Hear()
	guard, err := ipcsync.OpenSemaphore(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	p.Kill()
	for start := time.Now(); ; time.Sleep(time.Millisecond) { // on some systems no event says that it is gone
		_, errGuard := ipcsync.Stat(ipcsync.KindSemaphore, name, nil)
		_, errSum := shm.Stat(shm.KindStruct, name, nil)
		if errors.Is(errSum, os.ErrNotExist) && (errors.Is(errGuard, os.ErrNotExist) || runtime.GOOS == "windows") {
			break // this process holds what Windows has
		}
		if time.Since(start) > ipctest.Patience {
			t.Fatalf("what the processes shared is left: %v, %v", errGuard, errSum)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{"--batch", "0"}, {"--count", "0"}, {"--what"}, {"more"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if err := adder(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the verb of the processes: %v", err)
	}
}

func TestProcessCounts(t *testing.T) {
	for processors, want := range map[int]string{1: "[1]", 2: "[1 2]", 4: "[1 2 4]", 6: "[1 2 4 6]"} {
		if got := fmt.Sprint(processCounts(processors)); got != want {
			t.Errorf("%d processors: %s, want %s", processors, got, want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	p := &progressLine{out: &out}
	p.show("through a queue", 1, 4)
	p.show("through a queue", 2, 4) // too soon
	p.clear()
	if got, want := out.String(), "\rthrough a queue: 1 of 4 (25 %)\r"+strings.Repeat(" ", 30)+"\r"; got != want {
		t.Errorf("it shows %q, want %q", got, want)
	}
	read := make(chan struct{}, 1)
	stop := p.follow(t.Context(), "in shared memory", 4, func(context.Context) (uint64, error) {
		select {
		case read <- struct{}{}:
		default:
		}
		return 3, nil
	})
	<-read
	stop()
	if newProgressLine(io.Discard).out != nil {
		t.Error("it shows the line where there is no terminal")
	}
}
