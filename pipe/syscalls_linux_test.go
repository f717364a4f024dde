package pipe

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
	"golang.org/x/sys/unix"
)

// The traffic whose system calls are counted: so many payloads each way, which
// the socket's buffer holds, so that no call has to wait and be made again.
const (
	countedCalls   = 100
	countedPayload = 64
)

// feeder writes the counted traffic to each connection at once, says so, and
// then reads what comes.
var feeder = ipctest.Helper("feeder", func(c *ipctest.Control) error {
	return serveRivals(c, func(conn net.Conn) error {
		p := make([]byte, countedPayload)
		for range countedCalls {
			if _, err := conn.Write(p); err != nil {
				return err
			}
		}
		c.Say("fed")
		_, err := io.Copy(io.Discard, conn)
		return err
	})
})

// countedTraffic reads what the feeder has sent and then writes as much. It
// stays on one thread and calls mark on it before, between and after.
func countedTraffic(conn net.Conn, mark func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := make([]byte, countedPayload)
	mark()
	for range countedCalls {
		if n, err := conn.Read(p); n != len(p) {
			return fmt.Errorf("read %d bytes, %w", n, err)
		}
	}
	mark()
	for range countedCalls {
		if _, err := conn.Write(p); err != nil {
			return err
		}
	}
	mark()
	return nil
}

// TestSystemCalls counts, by the kernel's own count of this thread, how often
// Read and Write enter it.
func TestSystemCalls(t *testing.T) {
	// What it takes to look at the count is counted too.
	look := func() (reads, writes int) {
		text, err := os.ReadFile("/proc/thread-self/io")
		if err != nil {
			ipctest.Missing(t, "the kernel counts no system calls:", err.Error())
		}
		for l := range strings.Lines(string(text)) {
			fmt.Sscanf(l, "syscr: %d", &reads)
			fmt.Sscanf(l, "syscw: %d", &writes)
		}
		return reads, writes
	}
	type counts struct{ readsInRead, writesInRead, readsInWrite, writesInWrite int }
	count := func(conn net.Conn) counts {
		var reads, writes [4]int
		i := 0
		mark := func() {
			reads[i], writes[i] = look()
			i++
		}
		err := countedTraffic(conn, func() {
			if i == 0 {
				mark() // twice: the difference is the cost of looking
			}
			mark()
		})
		if err != nil {
			t.Fatalf("%T: %v", conn, err)
		}
		looking := reads[1] - reads[0]
		return counts{
			reads[2] - reads[1] - looking, writes[2] - writes[1],
			reads[3] - reads[2] - looking, writes[3] - writes[2],
		}
	}
	// The runtime makes calls of its own on any thread, such as the write that
	// wakes its poller. It does so rarely, so the least of several counts is
	// ours; ours alone never comes out too low.
	least := func(a, b counts) counts {
		return counts{
			min(a.readsInRead, b.readsInRead), min(a.writesInRead, b.writesInRead),
			min(a.readsInWrite, b.readsInWrite), min(a.writesInWrite, b.writesInWrite),
		}
	}
	const most = math.MaxInt
	bare := counts{most, most, most, most}
	bytes, messages := bare, bare
	for range 5 {
		r, peer := connectRivals(t, feeder)
		awaitFed(peer)
		bare, bytes, messages = least(bare, count(r.bare)), least(bytes, count(r.bytes)), least(messages, count(r.messages))
	}
	if want := (counts{countedCalls, 0, 0, countedCalls}); bare != want {
		t.Errorf("net.UnixConn makes %+v calls for %d Reads and as many Writes, want %+v", bare, countedCalls, want)
	}
	if bytes != bare {
		t.Errorf("byte mode makes %+v calls, net.UnixConn %+v", bytes, bare)
	}
	// One call may bring many messages.
	if messages.readsInRead > bare.readsInRead {
		t.Errorf("message mode makes %d calls to read, net.UnixConn %d", messages.readsInRead, bare.readsInRead)
	}
	if messages.readsInRead = bare.readsInRead; messages != bare {
		t.Errorf("message mode makes %+v calls, net.UnixConn %+v", messages, bare)
	}
}

// awaitFed waits until what is to be read from all three rivals is there.
func awaitFed(feeder *ipctest.Process) {
	for range 3 {
		feeder.Expect("fed")
	}
}

// trafficker dials the names in Args and, when told, runs the counted traffic on
// each connection. A system call that nothing else makes marks its parts.
var trafficker = ipctest.Helper("trafficker", func(c *ipctest.Control) error {
	r, err := dialRivals(c.Args)
	if err != nil {
		return err
	}
	c.Say("connected")
	c.Hear()
	for _, conn := range []net.Conn{r.bare, r.bytes, r.messages} {
		if err := countedTraffic(conn, func() { unix.Getppid() }); err != nil {
			return fmt.Errorf("%T: %w", conn, err)
		}
	}
	return nil
})

// TestSystemCallsByName has strace write down every system call of the thread
// that reads and writes.
func TestSystemCallsByName(t *testing.T) {
	peer, names := startRivals(t, feeder)
	cmd := ipctest.HelperCommand(t, trafficker, names...)
	// No collection and no signals to preempt goroutines, whose calls would be
	// counted too.
	cmd.Env = append(cmd.Env, "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		ipctest.Missing(t, "strace can't be run:", err.Error(), string(out))
	}
	trace := filepath.Join(t.TempDir(), "trace")
	traced := exec.Command("strace", append([]string{"-f", "-qq", "-o", trace, cmd.Path}, cmd.Args[1:]...)...)
	traced.Env = cmd.Env
	p := ipctest.StartCommand(t, traced)
	p.Expect("connected")
	awaitFed(peer)
	p.Say("go")
	if err := p.Wait(); err != nil {
		t.Fatalf("%v: %s", err, p.Stderr())
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	calls := callsBetweenMarks(string(text))
	if len(calls) != 6 {
		t.Fatalf("%d parts are marked in the trace, want Reads and Writes of 3 connections", len(calls))
	}
	// Of each connection the first bytes are looked at once, to see whether the other
	// side is in the same mode.
	const look = "recvfrom"
	for _, i := range []int{2, 4} {
		if calls[i][look] != 1 {
			t.Errorf("%d looks at the first bytes", calls[i][look])
		}
		delete(calls[i], look)
	}
	reads, writes := map[string]int{"read": countedCalls}, map[string]int{"write": countedCalls}
	for i, kind := range []string{"net.UnixConn", "byte mode"} {
		if got := calls[2*i]; !maps.Equal(got, reads) {
			t.Errorf("%s: %d Reads call %v", kind, countedCalls, got)
		}
		if got := calls[2*i+1]; !maps.Equal(got, writes) {
			t.Errorf("%s: %d Writes call %v", kind, countedCalls, got)
		}
	}
	if got := calls[4]; len(got) != 1 || got["read"] < 1 || got["read"] > countedCalls {
		t.Errorf("message mode: %d Reads call %v", countedCalls, got)
	}
	if got := calls[5]; !maps.Equal(got, map[string]int{"writev": countedCalls}) {
		t.Errorf("message mode: %d Writes call %v", countedCalls, got)
	}
}

// callsBetweenMarks counts by name the calls between each mark and the next of
// the same thread, less those by which the runtime schedules.
func callsBetweenMarks(trace string) (parts []map[string]int) {
	ofRuntime := []string{"futex", "sched_yield", "nanosleep", "mmap", "munmap", "madvise"}
	call := regexp.MustCompile(`^(\d+) +(\w+)\(`)
	var thread string
	marks := 0
	for l := range strings.Lines(trace) {
		m := call.FindStringSubmatch(l)
		if m == nil {
			continue // a signal, or the second half of an interrupted line
		}
		switch {
		case m[2] == "getppid":
			thread = m[1]
			if marks++; marks%3 != 0 {
				parts = append(parts, map[string]int{})
			}
		case marks%3 != 0 && m[1] == thread && !slices.Contains(ofRuntime, m[2]):
			parts[len(parts)-1][m[2]]++
		}
	}
	return parts
}
