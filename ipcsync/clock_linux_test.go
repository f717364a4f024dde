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
	var waits []string
	for ; len(waits) < 5; time.Sleep(10 * time.Millisecond) { // nothing tells that it looked again
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "REALTIME") {
			t.Fatal(regexp.MustCompile(`.*REALTIME.*`).FindString(string(text)))
		}
		waits = regexp.MustCompile(`futex_waitv\(.*CLOCK_MONOTONIC`).FindAllString(string(text), -1)
		if strings.Contains(string(text), "futex_waitv") || !strings.Contains(string(text), "FUTEX_WAIT,") {
			continue
		}
		break // a kernel without futex_waitv: FUTEX_WAIT's time is how long, by no clock on the wall
	}
	mustUnlock(t, h)
	p.Expect("locked false")
	p.Say("end")
	p.Wait()
}
