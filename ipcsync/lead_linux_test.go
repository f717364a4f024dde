package ipcsync

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/breezeway-ipc/breezeway"
	"github.com/breezeway-ipc/breezeway/internal/ipctest"
)

// leaderStats tells how many wait to lead.
type leaderStats struct{ *Leader }

func (l leaderStats) Stats() (Stats, error) { return l.mutex.Stats() }

func TestLeadRemoved(t *testing.T) {
	name := ipctest.UniqueName()
	l, err := Lead(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() {
		_, err := Lead(context.Background(), name, nil)
		waiting <- err
	}()
	awaitWaiters(t, leaderStats{l}, 1)
	if err := Remove(KindLeader, name, nil); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	wantError(t, <-waiting, breezeway.ErrRemoved)
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	if err := l.Resign(); err != nil {
		t.Error(err)
	}
	wantError(t, Remove(KindLeader, name, nil), os.ErrNotExist)
}
