package ipctest

import (
	"fmt"
	"regexp"
	"runtime"
	"time"
)

// AwaitAsleep waits until n goroutines sleep inside a function, such as
// "ipcsync.(*Event).Wait". Nothing announces that a goroutine fell asleep, so it
// looks again and again.
func AwaitAsleep(function string, n int) error {
	asleep := regexp.MustCompile(`(?m)^goroutine \d+ (gp=\S+ m=\S+ (mp=\S+ )?)?\[(select|syscall|chan receive|IO wait)[^\n]*\n(.+\n)*?.*` + regexp.QuoteMeta(function) + `\(`)
	for deadline := time.Now().Add(Patience); ; time.Sleep(time.Millisecond) {
		found := len(asleep.FindAll(Stacks(), -1))
		if found == n {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d sleep in %s, still waiting for %d", found, function, n)
		}
	}
}

// Stacks returns what all goroutines do, for tests that find one that hangs.
func Stacks() []byte {
	for size := 64 << 10; ; size *= 2 {
		stacks := make([]byte, size)
		if n := runtime.Stack(stacks, true); n < size {
			return stacks[:n]
		}
	}
}
