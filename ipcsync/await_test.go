package ipcsync

import (
	"fmt"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// slack is how much longer than stated something may take where everything takes
// longer.
var slack = func() time.Duration {
	if ipctest.Slow() {
		return 10
	}
	return 2
}()

// awaitWaiters waits until n are waiting. Nothing announces that somebody fell
// asleep, so it looks again and again.
func awaitWaiters(t testing.TB, o interface{ Stats() (Stats, error) }, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		st, err := o.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if st.Waiters == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d wait, want %d", st.Waiters, n)
		}
	}
}

// awaitAsleep waits until n goroutines sleep inside a method, such as
// "(*Event).Wait".
func awaitAsleep(method string, n int) error {
	asleep := regexp.MustCompile(`(?m)^goroutine \d+ (gp=\S+ m=\S+ (mp=\S+ )?)?\[(select|syscall|chan receive)[^\n]*\n(.+\n)*?.*ipcsync\.` + regexp.QuoteMeta(method) + `\(`)
	stacks := make([]byte, 8<<20)
	for deadline := time.Now().Add(ipctest.Patience); ; time.Sleep(time.Millisecond) {
		found := len(asleep.FindAll(stacks[:runtime.Stack(stacks, true)], -1))
		if found == n {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d sleep in %s, still waiting for %d", found, method, n)
		}
	}
}
