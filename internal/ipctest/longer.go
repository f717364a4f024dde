package ipctest

import (
	"testing"
	"time"
)

// Longer is for what has to happen within a limit that the test itself sets, with a
// machine that stalls at times: it calls try with a tenth of a second, and with four times
// as much again and again, until that is enough. The error that try returns with a limit
// of more than a quarter of [Patience] fails the test. What no limit excuses try reports
// itself.
func Longer(t testing.TB, try func(limit time.Duration) error) {
	t.Helper()
	for limit := 100 * time.Millisecond; ; limit *= 4 {
		err := try(limit)
		switch {
		case err == nil:
			return
		case limit > Patience/4:
			t.Fatalf("within %v: %v", limit, err)
		}
		t.Logf("within %v: %v", limit, err)
	}
}
