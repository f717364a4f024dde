package ipcsync

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// Waits don't go by the clock on the wall, which can be set: of all that a waiting
// process says to the kernel about time nothing is by CLOCK_REALTIME. (To set the
// machine's clock in a test would disturb every other process.)
func TestWaitsIgnoreTheWallClock(t *testing.T) {
	if out, err := exec.Command("strace", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		ipctest.Missing(t, "strace can't be run:", err.Error(), string(out))
	}
	m := newTestMutex(t, nil)
	h := mustLock(t, m)
	cmd := ipctest.HelperCommand(t, lockHolder, m.Name())
	trace := filepath.Join(t.TempDir(), "trace")
	traced := exec.Command("strace", append([]string{"-f", "-qq", "-o", trace, cmd.Path}, cmd.Args[1:]...)...)
	traced.Env = cmd.Env
	p := ipctest.StartCommand(t, traced)
	awaitWaiters(t, m, 1)
	// futex_waitv's time is by the clock that it names. FUTEX_WAIT's, where the kernel has no
	// futex_waitv, is how long, by no clock on the wall. The call that looks whether there is
	// futex_waitv has no words.
	waiting := regexp.MustCompile(`futex_waitv\(\[.*CLOCK_MONOTONIC|FUTEX_WAIT,`)
	deadline := time.Now().Add(ipctest.Patience)
	for waits := 0; waits < 5; time.Sleep(10 * time.Millisecond) { // nothing tells that it looked again
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "REALTIME") {
			t.Fatal(regexp.MustCompile(`.*REALTIME.*`).FindString(string(text)))
		}
		if waits = len(waiting.FindAll(text, -1)); time.Now().After(deadline) {
			t.Fatalf("it has waited %d times in %v:\n%s", waits, ipctest.Patience, text)
		}
	}
	mustUnlock(t, h)
	p.Expect("locked false")
	p.Say("end")
	p.Wait()
}
