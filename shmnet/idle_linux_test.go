package shmnet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/bench"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

func raiseDescriptors(t *testing.T, n int) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < uint64(n) {
		t.Skipf("the hard limit of descriptors is %d, and %d are needed", limit.Max, n)
	}
	limit.Cur = max(limit.Cur, uint64(n))
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

func threads(t *testing.T, pid int) int { t.Helper(); return statusLine(t, pid, "Threads:") }

// resident returns how many bytes of memory this process has in RAM, of files too.
func resident(t *testing.T) int { t.Helper(); return statusLine(t, os.Getpid(), "VmRSS:") << 10 }

func statusLine(t *testing.T, pid int, key string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if value, ok := strings.CutPrefix(string(line), key); ok {
			n, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no %s in %s", key, status)
	return 0
}

// TestStoppedPeer stops the other process: this one uses no processor beyond its spin,
// and goes on when the other does.
func TestStoppedPeer(t *testing.T) {
	name := ipctest.UniqueName()
	server := ipctest.Start(t, echoServer, name)
	server.Expect("listening")
	c, err := Dial(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const total = 2 << 20 // more than both rings hold
	done := make(chan error, 2)
	if err := sendSome(c, 1000); err != nil {
		t.Fatal(err)
	}
	goOn := ipctest.Stop(t, server.Process.Pid)
	start := cpuTime(t, 0)
	go func() { done <- sendSome(c, total) }()
	time.Sleep(500 * time.Millisecond) // the time that is measured
	used := cpuTime(t, 0) - start
	goOn()
	if used > 50*time.Millisecond && !ipctest.Slow() {
		t.Errorf("%v of processor time while the other process was stopped", used)
	}
	go func() {
		_, err := io.CopyN(io.Discard, c, 1000+total)
		done <- err
	}()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestSharedProcessors has both processes of a pair on one processor, and four pairs on
// two: there is no less throughput than through a Unix socket in the same place, and a round
// trip takes little longer.
func TestSharedProcessors(t *testing.T) {
	for _, place := range []struct{ processors, pairs int }{{1, 1}, {2, 4}} {
		for _, c := range []struct {
			traffic string
			size    int
			most    float64 // on a busy machine; without yielding it is tens
		}{
			{roundTrip, 64, 3}, {oneWay, 64, 1}, {oneWay, 64 << 10, 3},
		} {
			t.Run(fmt.Sprintf("%d on %d, %s, %d B", place.pairs, place.processors, c.traffic, c.size), func(t *testing.T) {
				if runtime.NumCPU() < place.processors {
					t.Skipf("there is %d processor", runtime.NumCPU())
				}
				ratios := make(chan float64)
				for range place.pairs {
					go func() { ratios <- pairRatio(t, place.processors, c.traffic, c.size) }()
				}
				mean := 0.0
				for range place.pairs {
					mean += <-ratios / float64(place.pairs)
				}
				t.Logf("ratio %.2f", mean)
				if mean > c.most && !ipctest.Slow() {
					ipctest.Late(t, "it takes %.2f of the time that it takes through a Unix socket", mean)
				}
			})
		}
	}
}

// What pairs of processes do.
const roundTrip, oneWay = "round trip", "one way"

// pairRatio starts two processes on the first processors, and returns how long messages
// take between them, as a multiple of that through a Unix socket.
func pairRatio(t *testing.T, processors int, traffic string, size int) float64 {
	name, path := ipctest.UniqueName(), os.TempDir()+"/"+ipctest.UniqueName()
	server := startOn(t, processors, benchServer, name, path)
	server.Expect("listening")
	client := startOn(t, processors, benchClient, name, path, traffic, strconv.Itoa(size))
	ratio, err := strconv.ParseFloat(client.Hear(), 64)
	if err != nil {
		t.Error(err)
	}
	return ratio
}

// startOn starts a helper that runs on the first processors only.
func startOn(t *testing.T, processors int, helper string, args ...string) *ipctest.Process {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, restricted unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Error(err)
	}
	for i := range processors {
		restricted.Set(i)
	}
	if err := unix.SchedSetaffinity(0, &restricted); err != nil {
		t.Error(err)
	}
	defer unix.SchedSetaffinity(0, &before)
	return ipctest.Start(t, helper, args...)
}

// benchClient compares with the server at Args[0] and Args[1] by the traffic Args[2] of
// messages of Args[3] bytes.
var benchClient = ipctest.Helper("bench client", func(c *ipctest.Control) error {
	ours, bare, err := dialRivals(c.Args[0], c.Args[1], false)
	if err != nil {
		return err
	}
	defer ours.Close()
	defer bare.Close()
	size, err := strconv.Atoi(c.Args[3])
	if err != nil {
		return err
	}
	var rivals [2]bench.Contender
	for i, conn := range []io.ReadWriter{ours, bare} {
		start := bench.RoundTrip
		if c.Args[2] == oneWay {
			start = bench.OneWay
		}
		run, err := start(conn, size)
		if err != nil {
			return err
		}
		rivals[i] = bench.Contender{Name: []string{"shmnet", "Unix socket"}[i], Run: run, Bytes: size, Stream: c.Args[2] == oneWay}
	}
	r, err := bench.Compare(context.Background(), rivals[0], rivals[1], nil)
	if err != nil {
		return err
	}
	c.Say("%v", r.Ratio.Median)
	return nil
})
