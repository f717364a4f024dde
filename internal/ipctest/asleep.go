package ipctest

import (
	"fmt"
	"regexp"
	"runtime"
	"testing"
	"time"
)

// AwaitAsleep waits until n goroutines sleep inside a function, such as
// "ipcsync.(*Event).Wait". Nothing announces that a goroutine fell asleep, so it
// looks again and again.
func AwaitAsleep(function string, n int) error {
	asleep := regexp.MustCompile(`(?m)^goroutine \d+ (gp=\S+ m=\S+ (mp=\S+ )?)?\[(select|syscall|chan receive)[^\n]*\n(.+\n)*?.*` + regexp.QuoteMeta(function) + `\(`)
	stacks := make([]byte, 64<<10)
	for deadline := time.Now().Add(Patience); ; time.Sleep(time.Millisecond) {
		size := runtime.Stack(stacks, true)
		for size == len(stacks) { // there may be more
			stacks = make([]byte, 2*size)
			size = runtime.Stack(stacks, true)
		}
		found := len(asleep.FindAll(stacks[:size], -1))
		if found == n {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d sleep in %s, still waiting for %d", found, function, n)
		}
	}
}

// WantSince fails the test if more time than bound has passed since start; five
// times as much is allowed where everything is [Slow].
func WantSince(t testing.TB, start time.Time, bound time.Duration) {
	t.Helper()
	took := time.Since(start)
	if Slow() {
		bound *= 5
	}
	if took > bound {
		t.Errorf("it took %v, more than %v", took, bound)
	}
}
