package ipcsync

import (
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// soonBound is what a waiter needs to find that a holder died, or has let go, at most, and
// as much again for tests that run at the same time.
const soonBound = 400 * time.Millisecond

// awaitWaiters waits until n are waiting. Nothing announces that a goroutine fell
// asleep, so it looks again and again.
func awaitWaiters(t testing.TB, o interface{ Stats() (Stats, error) }, n int) {
	t.Helper()
	for end := time.Now().Add(ipctest.Patience); ; time.Sleep(time.Millisecond) {
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
