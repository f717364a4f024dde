package ipcsync

import (
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

// awaitWaiters waits until n are waiting. Nothing announces that a goroutine fell
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
